"""The catalogue: what it holds, and what it refuses."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from persona_atlas.answer import Answer
from persona_atlas.preferences import Catalog, catalog, load_catalog
from persona_atlas.preferences.catalog import CatalogError
from persona_atlas.records import SPLITS

PACKAGE = Path(catalog.__file__).parent
Change = Callable[[dict[str, Any]], object]


def phrasings(found: Catalog) -> Iterator[tuple[str, str, str]]:
    """(phrasing, split, owner) over dimensions and hard constraints."""
    owners = [(f"{value.dimension}/{value.id}", value.phrasings) for value in found.values()]
    owners += [(f"hard/{constraint.id}", constraint.phrasings) for constraint in found.hard.values()]
    for owner, splits in owners:
        for split, banks in splits.items():
            for lines in banks.values():
                yield from ((_plain(line), split, owner) for line in lines)


def _plain(line: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", line.lower()).split())


@pytest.fixture
def load_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Change], Catalog]:
    """Load a catalogue of the dimension `units` and the hard constraints after a change to one of the two files."""

    def load(name: str, change: Change) -> Catalog:
        (tmp_path / "dimensions").mkdir()
        for file in ("dimensions/units.yaml", "hard_constraints.yaml"):
            data = yaml.load((PACKAGE / file).read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            if file.endswith(name):
                change(data)
            (tmp_path / file).write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
        monkeypatch.setattr(catalog, "files", lambda package: tmp_path)
        return load_catalog.__wrapped__()

    return load


def test_at_least_60_values_in_20_dimensions_and_12_hard_constraints() -> None:
    found = load_catalog()
    assert len(list(found.values())) >= 60
    assert len(found.dimensions) >= 20
    assert len(found.hard) >= 12


@pytest.mark.parametrize(("kinds", "fewest"), [(("explicit", "request"), 8), (("complaint", "praise", "fact"), 8)])
def test_every_value_and_split_has_enough_phrasings(kinds: tuple[str, ...], fewest: int) -> None:
    few = [
        (value.dimension, value.id, split)
        for value in load_catalog().values()
        for split, banks in value.phrasings.items()
        if sum(len(banks.get(kind, ())) for kind in kinds) < fewest
    ]
    assert few == []


def test_every_hard_constraint_can_be_stated_and_implied_in_every_split() -> None:
    for constraint in load_catalog().hard.values():
        assert set(constraint.phrasings) == set(SPLITS), constraint.id
        assert all({"explicit", "fact"} == set(banks) for banks in constraint.phrasings.values()), constraint.id


def test_every_value_of_every_split_has_a_request_to_be_put_in_a_frame() -> None:
    assert [value.id for value in load_catalog().values() for banks in value.phrasings.values() if "request" not in banks] == []


def test_a_request_is_a_bare_verb_phrase() -> None:
    requests = [line for value in load_catalog().values() for banks in value.phrasings.values() for line in banks["request"]]
    assert [line for line in requests if not line[0].islower() or line.endswith((".", "!", "?"))] == []


def test_what_facts_of_life_imply_can_be_told_of_all_values_of_a_dimension() -> None:
    for dimension in load_catalog().dimensions.values():
        for split in dimension.splits:
            assert dimension.implied_in(split) == any("fact" in value.phrasings[split] for value in dimension.values.values()), dimension.id


def test_users_of_every_split_can_have_9_dimensions() -> None:
    counts = {split: sum(split in dimension.splits for dimension in load_catalog().dimensions.values()) for split in SPLITS}
    assert min(counts.values()) >= 9


def test_some_dimensions_are_held_out_for_test_ood_alone() -> None:
    assert any(dimension.splits == {"test_ood"} for dimension in load_catalog().dimensions.values())


def test_a_dimension_has_phrasings_for_all_values_of_a_split_or_for_none() -> None:
    for dimension in load_catalog().dimensions.values():
        assert all(set(value.phrasings) == dimension.splits for value in dimension.values.values()), dimension.id


def test_every_phrasing_stands_once_in_the_whole_catalogue() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for line, split, owner in phrasings(load_catalog()):
        assert seen.setdefault(line, (split, owner)) == (split, owner), f"{line!r} stands twice"
    assert len(seen) == len(list(phrasings(load_catalog())))


def test_no_instruction_stands_among_the_phrasings() -> None:
    found = load_catalog()
    said = {line for line, _, _ in phrasings(found)}
    instructions = [line for owner in (*found.values(), *found.hard.values()) for line in owner.instructions]
    assert [line for line in instructions if _plain(line) in said] == []


def test_instructions_are_all_different() -> None:
    found = load_catalog()
    instructions = [_plain(line) for owner in (*found.values(), *found.hard.values()) for line in owner.instructions]
    assert len(set(instructions)) == len(instructions)


def test_the_conflict_rules_name_dimensions_that_exist() -> None:
    rules = yaml.safe_load((PACKAGE / "conflicts.yaml").read_text(encoding="utf-8"))["at_most"]
    assert {name for rule in rules for name in (rule["with"], *rule["of"])} <= set(load_catalog().dimensions)


def test_an_unchanged_catalogue_is_loaded(load_changed: Callable[[str, Change], Catalog]) -> None:
    found = load_changed("units.yaml", lambda data: None)
    assert list(found.dimensions) == ["units"]
    assert found.value("units", "imperial").parameters == {"system": "imperial"}


def _first(data: dict[str, Any]) -> dict[str, Any]:
    return data["values"][0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(colour=1), r"units\.yaml: unknown key 'colour'; known keys are dimension, family, description, values"),
        (lambda d: _first(d).update(colour=1), r"units\.yaml, line \d+, value metric: unknown key 'colour'; known keys are id, .*, threshold"),
        (lambda d: _first(d).pop("checker"), r"units\.yaml, line \d+, value metric: the key 'checker' is missing; add it"),
        (lambda d: _first(d).update(description=3), r"units\.yaml, line \d+, value metric: description is int, wanted str"),
        (
            lambda d: _first(d).update(checker="rhymes"),
            r"units\.yaml, line \d+, value metric: no checker is called 'rhymes'; known: acknowledged_opening, .*avoids, ",
        ),
        (
            lambda d: _first(d)["phrasings"]["test"].pop("praise"),
            r"units\.yaml, line \d+, value metric, phrasings for test: the key 'praise' is missing; add it",
        ),
        (
            lambda d: _first(d)["phrasings"]["test"].update(praise=["Good.", "Fine."]),
            r"units\.yaml, line \d+, value metric, phrasings for test, praise: wanted at least 4 lines of text, found 2",
        ),
        (
            lambda d: _first(d)["phrasings"]["test"]["praise"].append("  "),
            r"units\.yaml, line \d+, value metric, phrasings for test, praise: found '  ', wanted a line of text; quote it or take it out",
        ),
        (
            lambda d: _first(d)["phrasings"].update(dev={}),
            r"units\.yaml, line \d+, value metric: phrasings for unknown split 'dev'; splits are train, ",
        ),
        (
            lambda d: _first(d)["phrasings"]["test"]["praise"].append(_first(d)["phrasings"]["train"]["explicit"][0].upper()),
            r"units\.yaml, line \d+: the phrasing 'PLEASE GIVE ME .*' stands in metric/train/explicit and in metric/test/praise; reword one",
        ),
        (
            lambda d: d["values"][1]["phrasings"]["train"]["praise"].append(_first(d)["phrasings"]["train"]["praise"][0]),
            r"units\.yaml, line \d+: the phrasing .* stands in metric/train/praise and in imperial/train/praise; reword one",
        ),
        (
            lambda d: _first(d)["phrasings"]["test"].pop("request"),
            r"units\.yaml, line \d+, value metric, phrasings for test: the key 'request' is missing; add it",
        ),
        (
            lambda d: _first(d)["phrasings"]["test"].update(request=["use grams", "use metres"]),
            r"units\.yaml, line \d+, value metric, phrasings for test, request: wanted at least 4 lines of text, found 2",
        ),
        (
            lambda d: d["values"][1]["phrasings"]["test"].pop("fact"),
            r"units\.yaml: value imperial has no fact phrasings for test, metric has; add some, or take them out of all values",
        ),
        (
            lambda d: _first(d)["instructions"].append("Metric!"),
            r"units\.yaml, line \d+, value metric, instructions: 'Metric!' is a single word, which does not tell it from other",
        ),
        (
            lambda d: _first(d)["phrasings"]["test"]["explicit"].append("metric ."),
            r"units\.yaml, line \d+, value metric, phrasings for test, explicit: 'metric \.' is a single word",
        ),
        (lambda d: _first(d)["instructions"].pop(), r"units\.yaml, line \d+, value metric, instructions: wanted at least 4 lines of text, found 3"),
        (lambda d: _first(d)["examples"].pop("misses"), r"units\.yaml, line \d+, value metric, examples: the key 'misses' is missing; add it"),
        (lambda d: d["values"][1].update(id="metric"), r"units\.yaml, line \d+, value metric: the id 'metric' is defined twice; rename one"),
        (lambda d: d["values"].pop(), r"units\.yaml: a dimension needs at least two values, found 1"),
        (lambda d: d["values"].append("british"), r"units\.yaml, value 'british': found str, wanted a mapping with id, "),
    ],
)
def test_a_wrong_dimension_is_refused_with_file_place_and_fix(load_changed: Callable[[str, Change], Catalog], change: Change, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        load_changed("units.yaml", change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["constraints"][0].update(words=[]),
            r"hard_constraints\.yaml, line \d+, constraint vegetarian: unknown key 'words'; known keys are id",
        ),
        (
            lambda d: d["constraints"][0]["phrasings"]["test"].pop("fact"),
            r"line \d+, constraint vegetarian, phrasings for test: the key 'fact' is missing; add it",
        ),
        (
            lambda d: d["constraints"][1].update(id="vegetarian"),
            r"hard_constraints\.yaml, line \d+, constraint vegetarian: the id 'vegetarian' is defined twice; rename one",
        ),
    ],
)
def test_a_wrong_hard_constraint_is_refused(load_changed: Callable[[str, Change], Catalog], change: Change, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        load_changed("hard_constraints.yaml", change)


def test_a_file_that_is_no_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "tone.yaml"
    file.write_text("dimension: tone\ndescription: warm: or cold\n")
    with pytest.raises(CatalogError, match=r"tone\.yaml, line 2: not readable as YAML \(.*\); quote strings that hold a colon or a brace"):
        catalog.read_yaml(file)


@pytest.mark.parametrize("key", ["{b}", "[b]"])
def test_a_key_that_is_no_text_is_refused_with_its_line(key: str, tmp_path: Path) -> None:
    file = tmp_path / "tone.yaml"
    file.write_text(f"a: 1\n{key}: 2\n")
    with pytest.raises(CatalogError, match=r"tone\.yaml, line 2: not readable as YAML \(a key is a list or a mapping\); quote strings"):
        catalog.read_yaml(file)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tone.yaml"
    file.write_bytes("a: café".encode("latin-1"))
    with pytest.raises(CatalogError, match=r"tone\.yaml: not readable as UTF-8 \(unexpected end of data at byte 6\); save it as UTF-8"):
        catalog.read_yaml(file)


def test_a_dimension_that_two_files_define_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dimensions").mkdir()
    (tmp_path / "hard_constraints.yaml").write_text("constraints: []")
    for name in ("units.yaml", "more.yaml"):
        (tmp_path / "dimensions" / name).write_bytes((PACKAGE / "dimensions" / "units.yaml").read_bytes())
    monkeypatch.setattr(catalog, "files", lambda package: tmp_path)
    with pytest.raises(CatalogError, match=r"^dimensions, dimension units: the id 'units' is defined twice; rename one"):
        load_catalog.__wrapped__()


def test_an_answer_that_meets_two_values_is_a_fault_of_the_checkers() -> None:
    length = load_catalog().dimensions["length"]
    brief = length.values["brief"]
    twice = catalog.Dimension("length", "shape", "", {"brief": brief, "short": dataclasses.replace(brief, id="short")})
    with pytest.raises(ValueError, match="meets brief and short of dimension length"):
        twice.met_by(Answer("word " * 20))
