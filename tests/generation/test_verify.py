"""Verifying: a clean release is clean, and a false label is found though every hash and digest agrees with it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
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
from generation.verify_items import _query
from generation.voice import abbreviated
from persona_atlas import shards
from persona_atlas.data import DataError, Release, open_release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Conversation, Edit, Gold, Held, Item, Reveal, Shown, Turn, User
from persona_atlas.render import joint_witness
from persona_atlas.scoring import filling_of

Change = Callable[[list[Any]], list[Any]]


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


def test_a_clean_release_is_ok(release: Release) -> None:
    report = verify(release)
    assert (report.wrong, report.problems) == (0, [])
    assert set(report.checked) == {
        "records against the schema",
        "file digests",
        "assistant turns against the checkers",
        "reveals",
        "witnesses",
        "noise twins",
        "benchmark requests",
    }
    assert report.checked["witnesses"] == 80


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


def test_a_benchmark_row_that_occurs_twice_is_found(larger_part: Path) -> None:
    rewrite(larger_part, "benchmark", "test", lambda rows: [*rows, rows[0]])
    assert all_problems(larger_part) == ["u-test-000000-i00 stands 2 times in benchmark of test"]


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
def test_a_tampered_turn_is_found(wanted: Callable[[Turn], bool], changes: Callable[[Turn], dict[str, Any]], found: str, larger_part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, wanted)
        records[i] = at(records[i], j, **changes(records[i].turns[j]))
        return records

    rewrite(larger_part, "conversations", "test", change)
    assert any(found in problem for problem in all_problems(larger_part))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            lambda c: {"in_force": c.in_force[1:] if c.in_force else (Held("length", "brief"),)},
            "in_force does not say what the user's preferences are",
        ),
        (lambda c: {"session": c.session + 1}, "at place 0"),
        (lambda c: {"template_id": "no.such_template"}, "a label that catalogue and task bank do not know"),
        (lambda c: {"persona_id": "u-validation-000099"}, "has conversations in validation but is no user of it"),
        (lambda c: {"domain": "gardening"}, ""),
        (lambda c: {"noise": "off_topic"}, ""),
    ],
    ids=["in force", "session", "template", "user", "domain", "noise"],
)
def test_a_tampered_conversation_is_found(changes: Callable[[Conversation], dict[str, Any]], found: str, part: Path) -> None:
    rewrite(part, "conversations", "validation", first(lambda conversation: replace(conversation, **changes(conversation))))
    assert any(found in problem for problem in all_problems(part))


def test_a_conversation_that_is_gone_is_found(part: Path) -> None:
    rewrite(part, "conversations", "validation", lambda records: records[1:])
    assert any("at place 0" in problem for problem in all_problems(part))


def test_conversations_in_another_order_are_found(part: Path) -> None:
    rewrite(part, "conversations", "validation", lambda records: [records[1], records[0], *records[2:]])
    assert any("at place" in problem for problem in all_problems(part))


@pytest.mark.parametrize("words", ["another split's", "nothing of the kind"])
def test_a_phrasing_that_is_not_in_the_splits_bank_is_found(words: str, larger_part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: len(turn.reveals) == 1 and turn.reveals[0].how in ("complaint", "praise") and not turn.edits)
        reveal = records[i].turns[j].reveals[0]
        records[i] = at(records[i], j, content=phrasing("train", reveal) if words == "another split's" else "Thanks for that.")
        return records

    rewrite(larger_part, "conversations", "test", change)
    assert any("in words that are not of split test's bank" in problem for problem in all_problems(larger_part))


def test_a_reveal_of_what_the_user_does_not_have_is_found(larger_part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, any_preference)
        reveal = next(reveal for reveal in records[i].turns[j].reveals if reveal.dimension != "hard")
        records[i] = at(records[i], j, reveals=(replace(reveal, value=another(reveal.dimension, reveal.value)),))
        return records

    rewrite(larger_part, "conversations", "test", change)
    assert any("which is not in force" in problem for problem in all_problems(larger_part))


def test_a_hard_constraint_that_the_user_does_not_have_is_found(part: Path) -> None:
    invented = Reveal("hard", "vegan", "explicit")
    rewrite(part, "conversations", "validation", first(lambda c: at(c, 0, reveals=(*c.turns[0].reveals, invented))))
    assert any("reveals vegan, which the user does not have" in problem for problem in all_problems(part))


def test_a_template_of_another_split_is_found(part: Path, release: Release) -> None:
    other = release.items("test")[0].template_id
    rewrite(part, "conversations", "validation", first(lambda conversation: replace(conversation, template_id=other)))
    assert any(f"template {other} is not of split validation" in problem for problem in all_problems(part))


def test_tampered_history_noise_is_found(part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i = next(i for i, conversation in enumerate(records) if conversation.noise == "mood")
        (reveal,) = records[i].turns[0].reveals
        records[i] = at(records[i], 0, reveals=(replace(reveal, value=another(reveal.dimension, reveal.value)),))
        return records

    rewrite(part, "history_noise", "validation", change)
    assert any("-n" in problem for problem in all_problems(part))


def first_of(kind: str, change: Callable[[Conversation], Conversation]) -> Change:
    """The change to the first noise conversation of the kind alone."""

    def changed(records: list[Conversation]) -> list[Conversation]:
        i = next(i for i, conversation in enumerate(records) if conversation.noise == kind)
        return [*records[:i], change(records[i]), *records[i + 1 :]]

    return changed


def test_noise_of_another_kind_than_its_reveal_is_found(part: Path) -> None:
    rewrite(part, "history_noise", "validation", first_of("mood", lambda conversation: replace(conversation, noise="contradiction")))
    assert any("which is no way of a contradiction" in problem for problem in all_problems(part))


def test_noise_that_speaks_for_the_users_own_value_is_found(part: Path) -> None:
    def agreeing(conversation: Conversation) -> Conversation:
        held = {entry.dimension: entry.value for entry in conversation.in_force}
        turns = tuple(replace(turn, reveals=tuple(replace(r, value=held[r.dimension]) for r in turn.reveals)) for turn in conversation.turns)
        return replace(conversation, turns=turns)

    rewrite(part, "history_noise", "validation", first_of("mood", agreeing))
    assert any("which does not go against the user's values" in problem for problem in all_problems(part))


def test_noise_that_speaks_for_nothing_is_found(part: Path) -> None:
    def silent(conversation: Conversation) -> Conversation:
        return replace(conversation, turns=tuple(replace(turn, reveals=()) for turn in conversation.turns))

    rewrite(part, "history_noise", "validation", first_of("mood", silent))
    assert any("0 reveals in a mood, wanted 1" in problem for problem in all_problems(part))


@pytest.mark.parametrize("changes", [{"reveals": (Reveal("length", "brief", "explicit"),)}, {"known": (Held("length", "brief"),)}])
def test_small_talk_with_labels_is_found(changes: dict[str, Any], part: Path) -> None:
    rewrite(part, "history_noise", "validation", first_of("off_topic", lambda conversation: at(conversation, 0, **changes)))
    assert any("small talk with labels" in problem for problem in all_problems(part))


def test_noise_that_is_called_small_talk_is_found(part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i = next(i for i, conversation in enumerate(records) if conversation.noise == "mood")
        records[i] = replace(records[i], noise="off_topic")
        return records

    rewrite(part, "history_noise", "validation", change)
    assert all_problems(part)


# Items.


def gold_item(records: list[Item]) -> int:
    return next(i for i, item in enumerate(records) if item.gold and not any(gold.source == "query" for gold in item.gold))


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
        (lambda item: {"history": item.history[1:]}, ""),
        (lambda item: {"session": 3}, ""),
        (lambda item: {"domain": "gardening"}, ""),
        (lambda item: {"history_noise": item.history_noise[1:]}, "its history noise is not the user's"),
        (lambda item: {"twins": (replace(item.twins[0], query=item.query),)}, "the edits do not turn the clean text into the noisy one"),
        (lambda item: {"twins": (replace(item.twins[0], restorable=False),)}, "it is called restorable and is not"),
        (lambda item: {"twins": (replace(item.twins[0], layer="ambiguous"),)}, ""),
        (lambda item: {"twins": (replace(item.twins[0], edits=(replace(item.twins[0].edits[0], strategy="change_of_mind"),)),)}, ""),
        (lambda item: {"query": "How?"}, "an edit's span does not hold the text it says"),
        (lambda item: {"query": "How?", "twins": ()}, ""),
        (lambda item: {"template_id": "no.such_template"}, "a label that catalogue and task bank do not know"),
        (lambda item: {"slots": {}}, "a label that catalogue and task bank do not know"),
        (lambda item: {"hard": ("vegan",)}, ""),
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
        "domain",
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
def test_a_tampered_item_is_found(change: Callable[[Item], dict[str, Any]], found: str, part: Path) -> None:
    def tamper(records: list[Item]) -> list[Item]:
        i = gold_item(records)
        records[i] = replace(records[i], **change(records[i]))
        return records

    rewrite(part, "items", "validation", tamper)
    assert any(found in problem for problem in all_problems(part))


def test_tampered_lures_are_found(larger_part: Path) -> None:
    def change(records: list[Item]) -> list[Item]:
        i = next(i for i, item in enumerate(records) if item.lures)
        records[i] = replace(records[i], lures=records[i].lures[1:])
        return records

    rewrite(larger_part, "items", "test", change)
    assert any("its lures are not what" in problem for problem in all_problems(larger_part))


def consistent(item: Item, release: Release) -> Item:
    """The item with the slices and the witness that its labels want."""
    (user,) = (user for user in release.users(item.split) if user.persona_id == item.persona_id)
    past = [conversation for conversation in release.conversations(item.split) if conversation.persona_id == item.persona_id]
    witness = joint_witness(filling_of(item), {gold.dimension: gold.value for gold in item.gold}, frozenset(item.hard))
    return replace(item, witness=witness, slices=slices_of(item, user, past))


def test_a_hard_constraint_that_was_struck_out_of_an_item_is_found(larger_part: Path, release: Release) -> None:
    def change(records: list[Item]) -> list[Item]:
        i = next(i for i, item in enumerate(records) if item.hard)
        records[i] = consistent(replace(records[i], hard=()), release)
        return records

    rewrite(larger_part, "items", "test", change)
    assert all_problems(larger_part)


def test_a_wish_that_the_query_does_not_speak_of_is_found(larger_part: Path, release: Release) -> None:
    """Gold is said to come from the query, with a witness and slices that agree."""

    def change(records: list[Item]) -> list[Item]:
        i = gold_item(records)
        old = records[i].gold[0]
        gold = (Gold(old.dimension, another(old.dimension, old.value), None, "revealed", "query"), *records[i].gold[1:])
        records[i] = consistent(replace(records[i], gold=gold), release)
        return records

    rewrite(larger_part, "items", "test", change)
    assert all_problems(larger_part)


def test_a_query_that_is_no_wording_of_its_task_is_found_without_the_private_bank_too(release: Release) -> None:
    item = next(item for item in release.items("test") if any(gold.source == "query" for gold in item.gold))
    (user,) = (user for user in release.users("test") if user.persona_id == item.persona_id)
    with using("unseen"):
        problems = list(_query(user, replace(item, query="How?"), filling_of(item), lambda what: None))
    assert problems == ["its query is no wording of its task"]


def test_a_twin_whose_edits_change_a_number_is_found(part: Path) -> None:
    def change(records: list[Item]) -> list[Item]:
        index, item = next((i, item) for i, item in enumerate(records) if any(letter.isdigit() for letter in item.query))
        start = next(i for i, letter in enumerate(item.query) if letter.isdigit())
        edit = Edit("typo", start, start + 1, item.query[start], "many")
        query = item.query[:start] + "many" + item.query[start + 1 :]
        records[index] = replace(item, twins=(replace(item.twins[0], query=query, edits=(edit,)),))
        return records

    rewrite(part, "items", "validation", change)
    assert any("the slot value" in problem for problem in all_problems(part))


def test_an_item_whose_template_was_asked_before_is_found(part: Path) -> None:
    asked = open_release(part, "the tests").items("validation")[0].template_id
    rewrite(part, "conversations", "validation", first(lambda conversation: replace(conversation, template_id=asked)))
    assert any("its template was asked in the history" in problem for problem in all_problems(part))


def test_a_mention_that_was_struck_out_makes_restorable_twins_wrong(larger_part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        for i, conversation in enumerate(records):
            for j, turn in enumerate(conversation.turns):
                if turn.act == "mention":
                    records[i] = at(records[i], j, content="Thanks.", clean="", edits=())
        return records

    rewrite(larger_part, "conversations", "test", change)
    assert any("it is called restorable and is not" in problem for problem in all_problems(larger_part))


# Users, and the benchmark.


def test_a_value_that_the_user_does_not_have_makes_gold_wrong(part: Path) -> None:
    def change(user: User) -> User:
        old = user.preferences[0]
        return replace(user, preferences=(replace(old, value=another(old.dimension, old.value)), *user.preferences[1:]))

    rewrite(part, "users", "validation", first(change))
    assert verified(part).wrong > 0


@pytest.mark.parametrize("change", [{"scope": ("gardening",)}, {"last_session": 2}, {"first_session": 99}], ids=["scope", "end", "begin"])
def test_a_preference_that_holds_elsewhere_or_at_another_time_is_found(change: dict[str, Any], part: Path) -> None:
    def tamper(user: User) -> User:
        return replace(user, preferences=tuple(replace(preference, **change) for preference in user.preferences))

    rewrite(part, "users", "validation", first(tamper))
    assert any("in_force does not say" in problem for problem in all_problems(part))


@pytest.mark.parametrize("config", ["users", "conversations", "history_noise", "items"])
def test_a_record_that_names_another_split_is_found(config: str, part: Path) -> None:
    rewrite(part, config, "validation", first(lambda record: replace(record, split="train")))
    assert any("it says that it is of train, and stands among the records of validation" in problem for problem in all_problems(part))


def test_parameters_that_are_not_the_catalogues_are_found(part: Path) -> None:
    def change(records: list[User]) -> list[User]:
        place = next(place for place, user in enumerate(records) if user.preferences)
        first, *others = records[place].preferences
        records[place] = replace(records[place], preferences=(replace(first, parameters={"max_words": 3}), *others))
        return records

    rewrite(part, "users", "validation", change)
    assert any("are not the catalogue's" in problem for problem in all_problems(part))


def test_records_of_somebody_who_is_no_user_are_found(part: Path) -> None:
    rewrite(part, "users", "validation", lambda users: users[1:])
    assert "u-validation-000000 has conversations in validation but is no user of it" in all_problems(part)


def test_a_tampered_text_of_a_test_user_differs_from_the_benchmark(larger_part: Path) -> None:
    rewrite(larger_part, "conversations", "test", first(lambda conversation: at(conversation, 0, content=conversation.turns[0].content + " Now.")))
    assert any("the benchmark row differs from the item and its history" in problem for problem in all_problems(larger_part))


def test_a_benchmark_row_that_is_missing_is_found(larger_part: Path) -> None:
    rewrite(larger_part, "benchmark", "test", lambda rows: rows[1:])
    (problem,) = all_problems(larger_part)
    assert problem.endswith("the benchmark row differs from the item and its history")


def test_a_benchmark_row_of_no_item_is_found(larger_part: Path) -> None:
    rewrite(larger_part, "benchmark", "test", lambda rows: [*rows, replace(rows[0], request_id="u-test-000099-i00")])
    assert all_problems(larger_part)


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
