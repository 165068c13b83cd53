"""The JSON Schemas say what the dataclasses say, and a wrong record is refused with path, what was found and what was wanted."""

import dataclasses
from collections.abc import Callable
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from persona_atlas.data import Release
from persona_atlas.records import RECORD_KINDS, SCHEMA_VERSION, to_dict
from persona_atlas.schema import KINDS, SchemaError, schema, validate


def differences(kind: type, form: dict[str, Any], where: str) -> list[str]:
    """Where a dataclass and the schema of its object differ, nested ones too."""
    names = [field.name for field in dataclasses.fields(kind)]
    found = [f"{where}: {key}" for key in ("properties", "required") if sorted(form[key]) != sorted(names)]
    if form.get("additionalProperties") is not False:
        found.append(f"{where}: further keys are allowed")
    for name, hint in get_type_hints(kind).items():
        inner, part = hint, form["properties"][name]
        if get_origin(hint) is tuple:
            inner, part = get_args(hint)[0], part["items"]
        if dataclasses.is_dataclass(inner) and isinstance(inner, type):
            found += differences(inner, part, f"{where}.{name}")
    return found


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_schema_properties_are_the_dataclass_fields(kind: str) -> None:
    assert differences(RECORD_KINDS[kind], schema(kind), kind) == []


def json_types(part: dict[str, Any]) -> set[str]:
    """The JSON types that a part of a schema allows."""
    if "anyOf" in part:
        return {type_ for option in part["anyOf"] for type_ in json_types(option)}
    if "enum" in part:
        return {"string"} if all(isinstance(option, str) for option in part["enum"]) else set()
    return {part["type"]} if isinstance(part["type"], str) else set(part["type"])


def hint_types(hint: Any) -> set[str]:
    if isinstance(hint, UnionType):
        return {type_ for option in get_args(hint) for type_ in hint_types(option)}
    scalars = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    if hint in scalars:
        return {scalars[hint]}
    return {"array"} if get_origin(hint) is tuple else {"object"}


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_schema_types_are_the_types_of_the_fields(kind: str) -> None:
    def check(record: type, form: dict[str, Any]) -> None:
        for name, hint in get_type_hints(record).items():
            part = form["properties"][name]
            assert json_types(part) == hint_types(hint), (record.__name__, name)
            inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
            if dataclasses.is_dataclass(inner) and isinstance(inner, type):
                check(inner, part["items"] if get_origin(hint) is tuple else part)

    check(RECORD_KINDS[kind], schema(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_a_valid_schema_of_its_version(kind: str) -> None:
    Draft202012Validator.check_schema(schema(kind))
    assert schema(kind)["$id"] == f"urn:persona-atlas:schema:v{SCHEMA_VERSION}:{kind}"


NEW = ("utterance", "sample", "run", "submission")  # these came with version 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NEW])
def test_the_older_schemas_are_still_there_to_be_looked_up(kind: str) -> None:
    assert schema(kind, 1)["$id"] == f"urn:persona-atlas:schema:v1:{kind}"


def test_an_item_may_have_no_gold(release: Release) -> None:
    validate("item", {**to_dict(release.items("test")[0]), "gold": []})


def test_every_noise_conversation_of_a_release_is_valid(release: Release) -> None:
    for conversation in release.history_noise("test"):
        validate("conversation", to_dict(conversation))


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"user: schema version 99 is not known here \(known: 1 to 2\); install a newer persona-atlas"):
        schema("user", 99)


def test_an_unknown_kind_of_record_is_refused() -> None:
    with pytest.raises(SchemaError, match="'users' is no kind of record; kinds are user, conversation, "):
        schema("users")


@pytest.mark.parametrize("kind", RECORD_KINDS)
def test_every_record_of_a_release_is_valid(kind: str, release: Release) -> None:
    for split in ("train", "test_ood"):
        for record in getattr(release, f"{kind}s")(split):
            validate(kind, to_dict(record))


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("user", lambda r: r.update(persona_id="me"), r"user: at persona_id found 'me', wanted text matching \^u-"),
        ("user", lambda r: r.pop("name"), r"user: at the top found \{.*, wanted the key name as well"),
        ("user", lambda r: r.update(age=40), "user: at the top found .*, wanted no key age; known keys are persona_id, split, "),
        ("user", lambda r: r.update(split="dev"), "user: at split found 'dev', wanted one of train, validation, test, test_ood"),
        ("user", lambda r: r["preferences"][1].update(first_session="2"), "user: at preferences/1/first_session found '2', wanted integer"),
        ("user", lambda r: r["preferences"][0].update(last_session="2"), "user: at preferences/0/last_session found '2', wanted integer or null"),
        ("user", lambda r: r["style"].update(typo_rate=-1), "user: at style/typo_rate found -1, wanted at least 0"),
        ("conversation", lambda r: r.update(turns=r["turns"][:1]), "conversation: at turns found .*, wanted at least 2 entries"),
        ("conversation", lambda r: r["turns"][0].update(content=""), "conversation: at turns/0/content found '', wanted a text that is not empty"),
        ("conversation", lambda r: r["turns"][0].update(content=None), "conversation: at turns/0/content found None, wanted string"),
        (
            "conversation",
            lambda r: r["turns"][1].update(role="system"),
            "conversation: at turns/1/role found 'system', wanted one of user, assistant",
        ),
        (
            "item",
            lambda r: r["gold"][0].update(state="hidden"),
            "item: at gold/0/state found 'hidden', wanted one of revealed, unrevealed, contradicted",
        ),
        ("item", lambda r: r["gold"][0].update(source="hunch"), "item: at gold/0/source found 'hunch', wanted one of preference, query"),
        ("item", lambda r: r["twins"][0].update(layer="deep"), "item: at twins/0/layer found 'deep', wanted one of surface, incomplete, ambiguous"),
        ("item", lambda r: r["twins"][0].update(intensity="wild"), "item: at twins/0/intensity found 'wild', wanted one of light, medium, heavy"),
        (
            "item",
            lambda r: r.update(lures=[{"dimension": "length", "value": "brief", "why": "mood"}]),
            "item: at lures/0/why found 'mood', wanted one of",
        ),
        ("conversation", lambda r: r.update(noise="gossip"), "conversation: at noise found 'gossip', wanted one of"),
        ("item", lambda r: r["gold"][0].pop("value"), "item: at gold/0 found .*, wanted the key value as well"),
        ("item", lambda r: r.update(slots=[1]), r"item: at slots found \[1\], wanted object"),
        ("item", lambda r: (r.pop("query"), r.pop("witness")), "item: at the top found .*, wanted the keys query, witness as well"),
    ],
)
def test_a_wrong_record_is_refused_with_path_found_and_wanted(kind: str, change: Change, message: str, release: Release) -> None:
    record = to_dict(getattr(release, f"{kind}s")("test")[0])
    change(record)
    with pytest.raises(SchemaError, match=f"^{message}"):
        validate(kind, record)


def test_a_record_that_is_no_object_is_refused() -> None:
    with pytest.raises(SchemaError, match="user: at the top found 'me', wanted object"):
        validate("user", "me")


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(SchemaError) as error:
        validate("user", {"persona_id": "x" * 1000})
    assert len(str(error.value)) < 400
