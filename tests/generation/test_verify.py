"""Verifying: a clean release is clean, and a false label is found though every hash and digest agrees with it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generation.build import CONFIGS
from generation.items import slices_of
from generation.said import using
from generation.verify import Report, verify
from generation.verify_conversations import _phrasing_problem
from generation.verify_files import Part
from generation.verify_items import _query
from generation.verify_part import Found, _problems
from generation.voice import abbreviated
from persona_atlas import shards
from persona_atlas.data import DataError, Release, open_release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Conversation, Edit, Gold, Held, Item, Reveal, Shown, Turn, Twin, User
from persona_atlas.render import joint_witness
from persona_atlas.scoring import filling_of

Change = Callable[[list[Any]], list[Any]]
Stored = dict[str, dict[str, list[Any]]]
"""split -> config -> records."""


def copy_of(release_path: Path, out: Path, split: str) -> Path:
    """A copy of one split of the release."""
    manifest = json.loads((release_path / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = [entry for entry in manifest["files"] if entry["split"] == split]
    for entry in manifest["files"]:
        (out / entry["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release_path / entry["path"], out / entry["path"])
    _write_manifest(out, manifest)
    return out


@pytest.fixture
def part(release_path: Path, tmp_path: Path) -> Path:
    """The release's validation split: two users."""
    return copy_of(release_path, tmp_path / "release", "validation")


@pytest.fixture
def larger_part(release_path: Path, tmp_path: Path) -> Path:
    """Its test split: six users, with benchmark requests."""
    return copy_of(release_path, tmp_path / "release", "test")


@pytest.fixture
def part_with_requests(larger_part: Path) -> Path:
    """Two users of the test split."""
    for config in ("users", "conversations", "history_noise", "items", "benchmark"):
        rewrite(larger_part, config, "test", lambda records: [record for record in records if owner(record) < "u-test-000002"])
    return larger_part


def _write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    manifest["content_digest"] = shards.content_digest(entry["content_digest"] for entry in manifest["files"])
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def rewrite(release: Path, config: str, split: str, change: Change) -> None:
    """Change the records of a file, and the manifest with them: only what looks at the labels can notice."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    (entry,) = (entry for entry in manifest["files"] if (entry["config"], entry["split"]) == (config, split))
    records = change(list(shards.read_records(release / entry["path"], CONFIGS[config])))
    shards.write_records(release / entry["path"], CONFIGS[config], records)
    entry["rows"] = len(records)
    entry["content_digest"] = shards.content_digest(map(shards.record_digest, records))
    entry["sha256"] = shards.file_sha256(release / entry["path"])
    _write_manifest(release, manifest)


def verified(release: Path) -> Report:
    return verify(open_release(release, "the tests"))


def all_problems(release: Path) -> list[str]:
    """Every problem, not only the first twenty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generation.verify.MOST", 10_000)
        return verified(release).problems


@pytest.fixture(scope="module")
def stored(release_path: Path) -> Stored:
    """The records of the splits `validation` (two users) and `test` (six)."""
    found: Stored = {"validation": {}, "test": {}}
    for split, config in product(found, CONFIGS):
        path = release_path / "data" / config / f"{split}.parquet"
        found[split][config] = list(shards.read_records(path, CONFIGS[config])) if path.is_file() else []
    return found


def owner(record: Any) -> str:
    """The id of the user whose record it is."""
    return str(getattr(record, "persona_id", "") or record.request_id.rpartition("-")[0])


def wrong_with(user: str, split: str, records: dict[str, list[Any]]) -> list[str]:
    """What verify says of one user's records once they are read."""
    part = Part(split, ())
    return list(_problems(part, {config: [record for record in records[config] if owner(record) == user] for config in CONFIGS}, Found(part)))


def problems_of(stored: Stored, split: str, config: str, change: Change) -> list[str]:
    """What verify says of the users of whom some record was changed."""
    before, after = stored[split][config], change(list(stored[split][config]))
    users = sorted({owner(record) for record in before if record not in after})
    assert users
    return [problem for user in users for problem in wrong_with(user, split, {**stored[split], config: after})]


def first(change: Callable[[Any], Any]) -> Change:
    """The same change to the first record alone."""
    return lambda records: [change(records[0]), *records[1:]]


def at(conversation: Conversation, index: int, **changes: Any) -> Conversation:
    """The conversation with one turn changed."""
    turns = list(conversation.turns)
    turns[index] = replace(turns[index], **changes)
    return replace(conversation, turns=tuple(turns))


def where(records: list[Conversation], wanted: Callable[[Turn], bool]) -> tuple[int, int]:
    """The first conversation and turn of that kind."""
    return next((i, j) for i, conversation in enumerate(records) for j, turn in enumerate(conversation.turns) if wanted(turn))


def test_a_clean_release_is_ok(clean_report: Report) -> None:
    assert (clean_report.wrong, clean_report.problems) == (0, [])
    assert set(clean_report.checked) == {
        "records against the schema",
        "file digests",
        "assistant turns against the checkers",
        "reveals",
        "witnesses",
        "noise twins",
        "benchmark requests",
    }
    assert clean_report.checked["witnesses"] == 80


def test_a_part_that_agrees_with_its_manifest_is_ok(part: Path) -> None:
    assert all_problems(part) == []


def test_another_hash_is_noticed_when_the_release_is_opened(part: Path) -> None:
    file = part / "data" / "items" / "validation.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="was changed after it was built"):
        verified(part)


def test_another_digest_is_found(part: Path) -> None:
    manifest = json.loads((part / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][0]["content_digest"] = "0" * 64
    _write_manifest(part, manifest)
    assert all_problems(part) == [f"{manifest['files'][0]['path']}: its content differs from the manifest"]


def test_a_record_that_the_schema_refuses_is_found(part: Path) -> None:
    rewrite(part, "users", "validation", first(lambda user: replace(user, name="")))
    (problem,) = verified(part).problems
    assert problem.startswith("data/users/validation.parquet, row 0: user: at name found ''")


@pytest.mark.parametrize(("config", "id_"), [("users", "u-validation-000000"), ("items", "u-validation-000000-i00")])
def test_an_id_that_occurs_twice_is_found(config: str, id_: str, part: Path) -> None:
    rewrite(part, config, "validation", lambda records: [*records, records[0]])
    assert f"{id_} stands 2 times in {config} of validation" in all_problems(part)


def test_a_benchmark_row_that_occurs_twice_is_found(part_with_requests: Path) -> None:
    rewrite(part_with_requests, "benchmark", "test", lambda rows: [*rows, rows[0]])
    assert all_problems(part_with_requests) == ["u-test-000000-i00 stands 2 times in benchmark of test"]


def alter(release: Path, config: str, split: str, column: str, value: Any) -> None:
    """Put a value into the first row of a file, whatever the schema says, and the new hash into the manifest."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    (entry,) = (entry for entry in manifest["files"] if (entry["config"], entry["split"]) == (config, split))
    table = pq.read_table(release / entry["path"])
    rows = table.to_pylist()
    rows[0][column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), release / entry["path"])
    entry["sha256"] = shards.file_sha256(release / entry["path"])
    _write_manifest(release, manifest)


@pytest.mark.parametrize(
    ("config", "column", "value", "found"),
    [
        ("users", "preferences", None, "row 0: no User, so its labels are not checked"),
        ("conversations", "turns", None, "row 0: no Conversation, so its labels are not checked"),
        ("items", "slots", "{", "row 0: not readable (JSONDecodeError"),
    ],
)
def test_a_row_that_is_no_record_is_a_problem_like_others(config: str, column: str, value: Any, found: str, part: Path) -> None:
    alter(part, config, "validation", column, value)
    assert any(f"data/{config}/validation.parquet, {found}" in problem for problem in all_problems(part))


# Conversations: a label that was changed is found though every hash agrees with it.


def phrasing(split: str, reveal: Reveal) -> str:
    catalog = load_catalog()
    source: Any = catalog.hard[reveal.value] if reveal.dimension == "hard" else catalog.value(reveal.dimension, reveal.value)
    return str(source.phrasings[split][reveal.how][0])


def another(dimension: str, value: str) -> str:
    return load_catalog().dimensions[dimension].others(value)[0].id


def has_shown(turn: Turn) -> bool:
    return any(shown.value for shown in turn.shows)


def told(how: str) -> Callable[[Turn], bool]:
    return lambda turn: any(reveal.how == how and reveal.dimension != "hard" for reveal in turn.reveals)


def any_preference(turn: Turn) -> bool:
    return any(reveal.dimension != "hard" and reveal.standing for reveal in turn.reveals)


def with_reveals(turn: Turn, **changes: str) -> tuple[Reveal, ...]:
    return tuple(replace(reveal, **changes) for reveal in turn.reveals)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "changes", "found"),
    [
        (
            has_shown,
            lambda turn: {"shows": tuple(Shown(shown.dimension, None) for shown in turn.shows)},
            "the labels do not say what the checkers see",
        ),
        (has_shown, lambda turn: {"shows": turn.shows[1:]}, "the labels do not say what the checkers see"),
        (has_shown, lambda turn: {"content": "🎉 Sure!"}, "the labels do not say what the checkers see"),
        (any_preference, lambda turn: {"reveals": ()}, "known does not say what the turns so far reveal"),
        (any_preference, lambda turn: {"known": ()}, "known does not say what the turns so far reveal"),
        (lambda turn: True, lambda turn: {"known": (*turn.known, Held("length", "brief"))}, "known does not say what the turns so far reveal"),
        (lambda turn: True, lambda turn: {"contradicted": ("spelling",)}, "contradicted does not say where the last word differs"),
        (lambda turn: bool(turn.contradicted), lambda turn: {"contradicted": ()}, "contradicted does not say where the last word differs"),
        (lambda turn: bool(turn.edits), lambda turn: {"clean": turn.clean + " Please."}, "the edits do not turn the clean text into the noisy one"),
        (
            lambda turn: bool(turn.edits),
            lambda turn: {"edits": (replace(turn.edits[0], before="?!"),)},
            "an edit's span does not hold the text it says",
        ),
        (lambda turn: bool(turn.edits), lambda turn: {"edits": turn.edits[1:]}, "the edits do not turn the clean text into the noisy one"),
        (
            lambda turn: turn.role == "user" and not turn.edits,
            lambda turn: {"clean": turn.content, "content": "Something else."},
            "the edits do not turn the clean text into the noisy one",
        ),
        (told("exception"), lambda turn: {"reveals": with_reveals(turn, how="explicit")}, "which is not in force"),
        (told("explicit"), lambda turn: {"reveals": with_reveals(turn, how="exception")}, "known does not say what the turns so far reveal"),
        (told("praise"), lambda turn: {"reveals": with_reveals(turn, how="complaint")}, "but the answer before shows"),
        (told("complaint"), lambda turn: {"reveals": with_reveals(turn, how="praise")}, "but the answer before shows"),
    ],
    ids=[
        "no value shown",
        "a dimension not looked at",
        "another answer",
        "a reveal struck out",
        "known forgotten",
        "known invented",
        "a contradiction invented",
        "a contradiction hidden",
        "another clean twin",
        "a false span",
        "an edit struck out",
        "another text without an edit",
        "an exception called standing",
        "a standing wish called an exception",
        "praise called a complaint",
        "a complaint called praise",
    ],
)
def test_a_tampered_turn_is_found(wanted: Callable[[Turn], bool], changes: Callable[[Turn], dict[str, Any]], found: str, stored: Stored) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, wanted)
        records[i] = at(records[i], j, **changes(records[i].turns[j]))
        return records

    assert any(found in problem for problem in problems_of(stored, "test", "conversations", change))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            lambda c: {"in_force": c.in_force[1:] if c.in_force else (Held("length", "brief"),)},
            "in_force does not say what the user's preferences are",
        ),
        (lambda c: {"session": c.session + 1}, "at place 0"),
        (lambda c: {"template_id": "no.such_template"}, "a label that catalogue and task bank do not know"),
        (lambda c: {"domain": "gardening"}, "and domain gardening"),
        (lambda c: {"noise": "off_topic"}, "session 0, off_topic, at place 0 of the history"),
    ],
    ids=["in force", "session", "template", "domain", "noise"],
)
def test_a_tampered_conversation_is_found(changes: Callable[[Conversation], dict[str, Any]], found: str, stored: Stored) -> None:
    change = first(lambda conversation: replace(conversation, **changes(conversation)))
    assert any(found in problem for problem in problems_of(stored, "validation", "conversations", change))


def test_a_conversation_of_another_user_is_found(part: Path) -> None:
    rewrite(part, "conversations", "validation", first(lambda conversation: replace(conversation, persona_id="u-validation-000099")))
    assert any("u-validation-000099 has conversations in validation but is no user of it" in problem for problem in all_problems(part))


def test_a_conversation_that_is_gone_is_found(part: Path) -> None:
    rewrite(part, "conversations", "validation", lambda records: records[1:])
    assert any("at place 0" in problem for problem in all_problems(part))


def test_conversations_in_another_order_are_found(part: Path) -> None:
    rewrite(part, "conversations", "validation", lambda records: [records[1], records[0], *records[2:]])
    assert any("at place" in problem for problem in all_problems(part))


@pytest.mark.parametrize("words", ["another split's", "nothing of the kind", "a part of it"])
def test_a_phrasing_that_is_not_in_the_splits_bank_is_found(words: str, stored: Stored) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: len(turn.reveals) == 1 and turn.reveals[0].how in ("complaint", "praise") and not turn.edits)
        reveal = records[i].turns[j].reveals[0]
        said = {"another split's": phrasing("train", reveal), "nothing of the kind": "Thanks for that.", "a part of it": phrasing("test", reveal)[:4]}
        records[i] = at(records[i], j, content=said[words])
        return records

    assert any("in words that are not of split test's bank" in problem for problem in problems_of(stored, "test", "conversations", change))


def test_a_reveal_of_what_the_user_does_not_have_is_found(stored: Stored) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, any_preference)
        reveal = next(reveal for reveal in records[i].turns[j].reveals if reveal.dimension != "hard")
        records[i] = at(records[i], j, reveals=(replace(reveal, value=another(reveal.dimension, reveal.value)),))
        return records

    assert any("which is not in force" in problem for problem in problems_of(stored, "test", "conversations", change))


def test_a_hard_constraint_that_the_user_does_not_have_is_found(stored: Stored) -> None:
    invented = Reveal("hard", "vegan", "explicit")
    change = first(lambda c: at(c, 0, reveals=(*c.turns[0].reveals, invented)))
    assert any("reveals vegan, which the user does not have" in problem for problem in problems_of(stored, "validation", "conversations", change))


def test_a_template_of_another_split_is_found(stored: Stored) -> None:
    other = stored["test"]["items"][0].template_id
    change = first(lambda conversation: replace(conversation, template_id=other))
    problems = problems_of(stored, "validation", "conversations", change)
    assert any(f"template {other} is not of split validation" in problem for problem in problems)


def test_tampered_history_noise_is_found(stored: Stored) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i = next(i for i, conversation in enumerate(records) if conversation.noise == "mood")
        (reveal,) = records[i].turns[0].reveals
        records[i] = at(records[i], 0, reveals=(replace(reveal, value=another(reveal.dimension, reveal.value)),))
        return records

    assert any("-n" in problem for problem in problems_of(stored, "validation", "history_noise", change))


def first_of(kind: str, change: Callable[[Conversation], Conversation]) -> Change:
    """The change to the first noise conversation of the kind alone."""

    def changed(records: list[Conversation]) -> list[Conversation]:
        i = next(i for i, conversation in enumerate(records) if conversation.noise == kind)
        return [*records[:i], change(records[i]), *records[i + 1 :]]

    return changed


def test_noise_of_another_kind_than_its_reveal_is_found(stored: Stored) -> None:
    change = first_of("mood", lambda conversation: replace(conversation, noise="contradiction"))
    assert any("which is no way of a contradiction" in problem for problem in problems_of(stored, "validation", "history_noise", change))


def test_noise_that_speaks_for_the_users_own_value_is_found(stored: Stored) -> None:
    def agreeing(conversation: Conversation) -> Conversation:
        held = {entry.dimension: entry.value for entry in conversation.in_force}
        turns = tuple(replace(turn, reveals=tuple(replace(r, value=held[r.dimension]) for r in turn.reveals)) for turn in conversation.turns)
        return replace(conversation, turns=turns)

    problems = problems_of(stored, "validation", "history_noise", first_of("mood", agreeing))
    assert any("which does not go against the user's values" in problem for problem in problems)


def test_noise_that_speaks_for_nothing_is_found(stored: Stored) -> None:
    def silent(conversation: Conversation) -> Conversation:
        return replace(conversation, turns=tuple(replace(turn, reveals=()) for turn in conversation.turns))

    problems = problems_of(stored, "validation", "history_noise", first_of("mood", silent))
    assert any("0 reveals in a mood, wanted 1" in problem for problem in problems)


@pytest.mark.parametrize("changes", [{"reveals": (Reveal("length", "brief", "explicit"),)}, {"known": (Held("length", "brief"),)}])
def test_small_talk_with_labels_is_found(changes: dict[str, Any], stored: Stored) -> None:
    change = first_of("off_topic", lambda conversation: at(conversation, 0, **changes))
    assert any("small talk with labels" in problem for problem in problems_of(stored, "validation", "history_noise", change))


def test_noise_that_is_called_small_talk_is_found(stored: Stored) -> None:
    change = first_of("mood", lambda conversation: replace(conversation, noise="off_topic"))
    assert any("noise off_topic with template " in problem for problem in problems_of(stored, "validation", "history_noise", change))


# What is found without files is found in them.


@pytest.mark.parametrize("split", ["validation", "test"])
def test_nothing_is_wrong_with_the_records_of_a_user_as_they_were_built(split: str, stored: Stored) -> None:
    assert wrong_with(f"u-{split}-000000", split, stored[split]) == []


@pytest.mark.parametrize(
    ("config", "change"),
    [
        ("users", first(lambda user: replace(user, preferences=tuple(replace(p, scope=("gardening",)) for p in user.preferences)))),
        ("conversations", first(lambda c: replace(c, in_force=c.in_force[1:] if c.in_force else (Held("length", "brief"),)))),
        ("history_noise", first_of("mood", lambda conversation: replace(conversation, noise="contradiction"))),
        ("items", first(lambda item: replace(item, witness="No idea."))),
    ],
)
def test_whatever_is_wrong_with_a_users_records_is_found_in_the_files(config: str, change: Change, stored: Stored, part: Path) -> None:
    found = problems_of(stored, "validation", config, change)
    rewrite(part, config, "validation", change)
    assert found
    assert set(found) <= set(all_problems(part))


# Items.


def gold_item(records: list[Item]) -> int:
    return next(i for i, item in enumerate(records) if item.gold and not any(gold.source == "query" for gold in item.gold))


def restyled(twin: Twin, strategy: str) -> Twin:
    """The twin with another strategy for its first edit."""
    return replace(twin, edits=(replace(twin.edits[0], strategy=strategy), *twin.edits[1:]))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda item: {"gold": item.gold[1:]}, "its gold is not what"),
        (lambda item: {"gold": (replace(item.gold[0], revealed_in=99), *item.gold[1:])}, "its gold is not what"),
        (lambda item: {"gold": (replace(item.gold[0], state="contradicted"), *item.gold[1:])}, "its gold is not what"),
        (lambda item: {"gold": (replace(item.gold[0], value=another(item.gold[0].dimension, item.gold[0].value)),)}, "its gold is not what"),
        (lambda item: {"slices": ("nothing",)}, "its slices are not what"),
        (lambda item: {"witness": "No idea."}, "the witness fails: the task is passed to"),
        (lambda item: {"history": (*item.history, "u-validation-000001-c00")}, "its history is not the user's conversations before it"),
        (lambda item: {"history": item.history[1:]}, "its history is not the user's conversations before it"),
        (lambda item: {"session": 3}, "its history is not the user's conversations before it"),
        (lambda item: {"history_noise": item.history_noise[1:]}, "its history noise is not the user's"),
        (lambda item: {"twins": (replace(item.twins[0], query=item.query),)}, "the edits do not turn the clean text into the noisy one"),
        (lambda item: {"twins": (replace(item.twins[0], restorable=False),)}, "it is called restorable and is not"),
        (lambda item: {"twins": (replace(item.twins[0], layer="ambiguous"),)}, "is no strategy of this layer"),
        (lambda item: {"twins": (restyled(item.twins[0], "change_of_mind"),)}, "change_of_mind is no strategy of this layer"),
        (lambda item: {"query": "How?"}, "an edit's span does not hold the text it says"),
        (lambda item: {"query": "How?", "twins": ()}, "its query is no wording of its task"),
        (lambda item: {"template_id": "no.such_template"}, "a label that catalogue and task bank do not know"),
        (lambda item: {"slots": {}}, "a label that catalogue and task bank do not know"),
        (lambda item: {"hard": ("vegan",)}, "its hard constraints are vegan, wanted "),
    ],
    ids=[
        "gold struck out",
        "ledger session",
        "ledger state",
        "gold value",
        "slices",
        "witness",
        "another's history",
        "a shorter history",
        "session",
        "history noise",
        "twin text",
        "twin restorable",
        "twin layer",
        "twin strategy",
        "query",
        "query without twins",
        "template",
        "slots",
        "hard",
    ],
)
def test_a_tampered_item_is_found(change: Callable[[Item], dict[str, Any]], found: str, stored: Stored) -> None:
    def tamper(records: list[Item]) -> list[Item]:
        i = gold_item(records)
        records[i] = replace(records[i], **change(records[i]))
        return records

    assert any(found in problem for problem in problems_of(stored, "validation", "items", tamper))


def test_a_domain_that_is_not_the_templates_is_found(stored: Stored) -> None:
    """In an item of somebody whose wishes hold in every domain, so that its gold stays what it is."""
    everywhere = {user.persona_id for user in stored["test"]["users"] if not any(preference.scope for preference in user.preferences)}

    def change(records: list[Item]) -> list[Item]:
        i = next(i for i, item in enumerate(records) if item.persona_id in everywhere)
        records[i] = replace(records[i], domain="travel" if records[i].domain == "cooking" else "cooking")
        return records

    assert any(problem.endswith("is not its template's") for problem in problems_of(stored, "test", "items", change))


def test_tampered_lures_are_found(stored: Stored) -> None:
    def change(records: list[Item]) -> list[Item]:
        i = next(i for i, item in enumerate(records) if item.lures)
        records[i] = replace(records[i], lures=records[i].lures[1:])
        return records

    assert any("its lures are not what" in problem for problem in problems_of(stored, "test", "items", change))


def consistent(item: Item, stored: Stored) -> Item:
    """The item with the slices and the witness that its labels want."""
    (user,) = (user for user in stored[item.split]["users"] if user.persona_id == item.persona_id)
    past = [conversation for conversation in stored[item.split]["conversations"] if conversation.persona_id == item.persona_id]
    witness = joint_witness(filling_of(item), {gold.dimension: gold.value for gold in item.gold}, frozenset(item.hard))
    return replace(item, witness=witness, slices=slices_of(item, user, past))


def test_a_hard_constraint_that_was_struck_out_of_an_item_is_found(stored: Stored) -> None:
    def change(records: list[Item]) -> list[Item]:
        i = next(i for i, item in enumerate(records) if item.hard)
        records[i] = consistent(replace(records[i], hard=()), stored)
        return records

    assert any("its hard constraints are none, wanted " in problem for problem in problems_of(stored, "test", "items", change))


def test_a_wish_that_the_query_does_not_speak_of_is_found(stored: Stored) -> None:
    """Gold is said to come from the query, with a witness and slices that agree."""

    def change(records: list[Item]) -> list[Item]:
        i = gold_item(records)
        old = records[i].gold[0]
        gold = (Gold(old.dimension, another(old.dimension, old.value), None, "revealed", "query"), *records[i].gold[1:])
        records[i] = consistent(replace(records[i], gold=gold), stored)
        return records

    assert any("its query does not ask for " in problem for problem in problems_of(stored, "test", "items", change))


def test_a_query_that_is_no_wording_of_its_task_is_found_without_the_private_bank_too(release: Release) -> None:
    item = next(item for item in release.items("test") if any(gold.source == "query" for gold in item.gold))
    (user,) = (user for user in release.users("test") if user.persona_id == item.persona_id)
    with using("unseen"):
        problems = list(_query(user, replace(item, query="How?"), filling_of(item), lambda what: None))
    assert problems == ["its query is no wording of its task"]


def test_a_twin_whose_edits_change_a_number_is_found(stored: Stored) -> None:
    def change(records: list[Item]) -> list[Item]:
        index, item = next((i, item) for i, item in enumerate(records) if any(letter.isdigit() for letter in item.query))
        start = next(i for i, letter in enumerate(item.query) if letter.isdigit())
        edit = Edit("typo", start, start + 1, item.query[start], "many")
        query = item.query[:start] + "many" + item.query[start + 1 :]
        records[index] = replace(item, twins=(replace(item.twins[0], query=query, edits=(edit,)),))
        return records

    assert any("the slot value" in problem for problem in problems_of(stored, "validation", "items", change))


def test_an_item_whose_template_was_asked_before_is_found(stored: Stored) -> None:
    asked = stored["validation"]["items"][0].template_id
    change = first(lambda conversation: replace(conversation, template_id=asked))
    assert any("its template was asked in the history" in problem for problem in problems_of(stored, "validation", "conversations", change))


def test_a_mention_that_was_struck_out_makes_restorable_twins_wrong(stored: Stored) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        for i, conversation in enumerate(records):
            for j, turn in enumerate(conversation.turns):
                if turn.act == "mention":
                    records[i] = at(records[i], j, content="Thanks.", clean="", edits=())
        return records

    assert any("it is called restorable and is not" in problem for problem in problems_of(stored, "test", "conversations", change))


# Users, and the benchmark.


def test_a_value_that_the_user_does_not_have_makes_gold_wrong(part: Path) -> None:
    def change(user: User) -> User:
        old = user.preferences[0]
        return replace(user, preferences=(replace(old, value=another(old.dimension, old.value)), *user.preferences[1:]))

    rewrite(part, "users", "validation", first(change))
    assert verified(part).wrong > 0


@pytest.mark.parametrize("change", [{"scope": ("gardening",)}, {"last_session": 2}, {"first_session": 99}], ids=["scope", "end", "begin"])
def test_a_preference_that_holds_elsewhere_or_at_another_time_is_found(change: dict[str, Any], stored: Stored) -> None:
    def tamper(user: User) -> User:
        return replace(user, preferences=tuple(replace(preference, **change) for preference in user.preferences))

    assert any("in_force does not say" in problem for problem in problems_of(stored, "validation", "users", first(tamper)))


@pytest.mark.parametrize("config", ["users", "conversations", "history_noise", "items"])
def test_a_record_that_names_another_split_is_found(config: str, stored: Stored) -> None:
    problems = problems_of(stored, "validation", config, first(lambda record: replace(record, split="train")))
    assert any("it says that it is of train, and stands among the records of validation" in problem for problem in problems)


def test_parameters_that_are_not_the_catalogues_are_found(stored: Stored) -> None:
    def change(records: list[User]) -> list[User]:
        place = next(place for place, user in enumerate(records) if user.preferences)
        first, *others = records[place].preferences
        records[place] = replace(records[place], preferences=(replace(first, parameters={"max_words": 3}), *others))
        return records

    assert any("are not the catalogue's" in problem for problem in problems_of(stored, "validation", "users", change))


def test_records_of_somebody_who_is_no_user_are_found(part: Path) -> None:
    rewrite(part, "users", "validation", lambda users: users[1:])
    assert "u-validation-000000 has conversations in validation but is no user of it" in all_problems(part)


def test_a_tampered_text_of_a_test_user_differs_from_the_benchmark(part_with_requests: Path) -> None:
    rewrite(part_with_requests, "conversations", "test", first(lambda c: at(c, 0, content=c.turns[0].content + " Now.")))
    assert any("the benchmark row differs from the item and its history" in problem for problem in all_problems(part_with_requests))


def test_a_benchmark_row_that_is_missing_is_found(part_with_requests: Path) -> None:
    rewrite(part_with_requests, "benchmark", "test", lambda rows: rows[1:])
    (problem,) = all_problems(part_with_requests)
    assert problem.endswith("the benchmark row differs from the item and its history")


def test_a_benchmark_row_of_no_item_is_found(part_with_requests: Path) -> None:
    rewrite(part_with_requests, "benchmark", "test", lambda rows: [*rows, replace(rows[0], request_id="u-test-000099-i00")])
    assert "u-test-000099-i00 is in the benchmark of test and is no item" in all_problems(part_with_requests)


def test_the_report_counts_all_problems_and_tells_the_first_twenty(larger_part: Path) -> None:
    rewrite(larger_part, "items", "test", lambda items: [replace(item, witness="No idea.") for item in items])
    report = verified(larger_part)
    assert report.wrong >= 24
    assert len(report.problems) == 20


def test_a_phrasing_may_be_abbreviated_as_its_user_does(release: Release) -> None:
    reveal, user = Reveal("closing", "question", "explicit"), release.users("train")[0]
    style = replace(user.style, abbreviations={"question": "q", "please": "pls"})
    lines = load_catalog().value("closing", "question").phrasings["train"]["explicit"]
    said = [abbreviated(line, style) for line in lines]
    assert said != list(lines)
    assert [_phrasing_problem(text, reveal, replace(user, style=style)) for text in said] == [""] * len(lines)
