"""Verifying: a clean release is clean, and a false label is found though every hash and digest agrees with it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generation.build import CONFIGS
from generation.verify import Report, verify
from persona_atlas import shards
from persona_atlas.data import DataError, Release, open_release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Conversation, Edit, Item, Reveal, Shown, Turn, User

Change = Callable[[list[Any]], list[Any]]


@pytest.fixture
def part(release_path: Path, tmp_path: Path) -> Path:
    """A copy of the release's validation and test splits."""
    out = tmp_path / "release"
    manifest = json.loads((release_path / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = [entry for entry in manifest["files"] if entry["split"] in ("validation", "test")]
    for entry in manifest["files"]:
        (out / entry["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release_path / entry["path"], out / entry["path"])
    _write_manifest(out, manifest)
    return out


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
    assert verified(part).problems == []


def test_another_hash_is_noticed_when_the_release_is_opened(part: Path) -> None:
    file = part / "data" / "items" / "test.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="was changed after it was built"):
        verified(part)


def test_another_digest_is_found(part: Path) -> None:
    manifest = json.loads((part / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][0]["content_digest"] = "0" * 64
    _write_manifest(part, manifest)
    assert verified(part).problems == [f"{manifest['files'][0]['path']}: its content differs from the manifest"]


def test_a_record_that_the_schema_refuses_is_found(part: Path) -> None:
    rewrite(part, "users", "validation", first(lambda user: replace(user, name="")))
    (problem,) = verified(part).problems
    assert problem.startswith("data/users/validation.parquet, row 0: user: at name found ''")


def test_a_tampered_label_is_found(part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: any(shown.value for shown in turn.shows))
        shows = records[i].turns[j].shows
        records[i] = at(records[i], j, shows=(*(Shown(shown.dimension, None) for shown in shows),))
        return records

    rewrite(part, "conversations", "validation", change)
    assert "the labels do not say what the checkers see" in verified(part).problems[0]


def test_a_tampered_answer_is_found(part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: any(shown.value for shown in turn.shows))
        records[i] = at(records[i], j, content="🎉 Sure!")
        return records

    rewrite(part, "conversations", "validation", change)
    assert "the labels do not say what the checkers see" in verified(part).problems[0]


def test_a_tampered_text_of_a_test_user_differs_from_the_benchmark(part: Path) -> None:
    rewrite(part, "conversations", "test", first(lambda conversation: at(conversation, 0, content=conversation.turns[0].content + " Now.")))
    assert any("the benchmark row differs from the item and its history" in problem for problem in verified(part).problems)


def phrasing(split: str, reveal: Reveal) -> str:
    catalog = load_catalog()
    source: Any = catalog.hard[reveal.value] if reveal.dimension == "hard" else catalog.value(reveal.dimension, reveal.value)
    return str(source.phrasings[split][reveal.how][0])


@pytest.mark.parametrize("words", ["another split's", "nothing of the kind"])
def test_a_phrasing_that_is_not_in_the_splits_bank_is_found(words: str, part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: len(turn.reveals) == 1 and turn.act == "feedback")
        reveal = records[i].turns[j].reveals[0]
        records[i] = at(records[i], j, content=phrasing("train", reveal) if words == "another split's" else "Thanks for that.")
        return records

    rewrite(part, "conversations", "validation", change)
    assert any("in words that are not of split validation's bank" in problem for problem in verified(part).problems)


def test_a_reveal_of_what_the_user_does_not_have_is_found(part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: any(reveal.dimension != "hard" for reveal in turn.reveals))
        reveal = next(reveal for reveal in records[i].turns[j].reveals if reveal.dimension != "hard")
        (other, *_) = load_catalog().dimensions[reveal.dimension].others(reveal.value)
        records[i] = at(records[i], j, reveals=(replace(reveal, value=other.id),))
        return records

    rewrite(part, "conversations", "validation", change)
    assert any("which the user does not have" in problem for problem in verified(part).problems)


def test_a_complaint_about_an_answer_that_meets_is_found(part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: any(reveal.how == "praise" for reveal in turn.reveals))
        reveals = tuple(replace(reveal, how="complaint") if reveal.how == "praise" else reveal for reveal in records[i].turns[j].reveals)
        records[i] = at(records[i], j, reveals=reveals)
        return records

    rewrite(part, "conversations", "test", change)
    assert any("but the answer before shows" in problem for problem in verified(part).problems)


def test_a_reveal_that_was_struck_out_is_found(part: Path) -> None:
    def change(records: list[Conversation]) -> list[Conversation]:
        i, j = where(records, lambda turn: bool(turn.reveals))
        records[i] = at(records[i], j, reveals=())
        return records

    rewrite(part, "conversations", "validation", change)
    assert any("the turns so far reveal" in problem for problem in verified(part).problems)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda item: replace(item, gold=item.gold[1:]), "gold is"),
        (lambda item: replace(item, gold=(replace(item.gold[0], revealed_in=99), *item.gold[1:])), "revealed_in does not say what the history holds"),
        (lambda item: replace(item, witness="No idea."), "the witness fails: the task is passed to"),
        (lambda item: replace(item, history=(*item.history, "u-validation-000001-c00")), "holds conversations that are not before it"),
        (lambda item: replace(item, twins=(replace(item.twins[0], query=item.query),)), "the edits do not turn the clean query into the noisy one"),
        (lambda item: replace(item, template_id="no.such_template"), "a label that catalogue and task bank do not know"),
    ],
    ids=["gold", "ledger", "witness", "history", "twin", "template"],
)
def test_a_tampered_item_is_found(change: Callable[[Item], Item], found: str, part: Path) -> None:
    rewrite(part, "items", "validation", first(change))
    problems = verified(part).problems
    assert any(found in problem for problem in problems), problems


def test_a_twin_whose_edits_change_a_number_is_found(part: Path) -> None:
    def change(records: list[Item]) -> list[Item]:
        index, item = next((i, item) for i, item in enumerate(records) if any(letter.isdigit() for letter in item.query))
        start = next(i for i, letter in enumerate(item.query) if letter.isdigit())
        edit = Edit("typo", start, start + 1, item.query[start], "many")
        query = item.query[:start] + "many" + item.query[start + 1 :]
        records[index] = replace(item, twins=(replace(item.twins[0], query=query, edits=(edit,)),))
        return records

    rewrite(part, "items", "validation", change)
    assert any("the slot value" in problem for problem in verified(part).problems)


def test_an_item_whose_template_was_asked_before_is_found(part: Path) -> None:
    release = open_release(part, "the tests")
    asked = release.items("validation")[0].template_id
    rewrite(part, "conversations", "validation", first(lambda conversation: replace(conversation, template_id=asked)))
    assert any("its template was asked in the history" in problem for problem in verified(part).problems)


def test_a_template_of_another_split_is_found(part: Path) -> None:
    other = open_release(part, "the tests").items("test")[0].template_id
    rewrite(part, "conversations", "validation", first(lambda conversation: replace(conversation, template_id=other)))
    assert any(f"template {other} is not of split validation" in problem for problem in verified(part).problems)


def test_a_value_that_the_user_does_not_have_makes_gold_wrong(part: Path) -> None:
    def change(user: User) -> User:
        (other, *_) = load_catalog().dimensions[user.preferences[0].dimension].others(user.preferences[0].value)
        return replace(user, preferences=(replace(user.preferences[0], value=other.id), *user.preferences[1:]))

    rewrite(part, "users", "validation", first(change))
    assert verified(part).wrong > 0


def test_records_of_somebody_who_is_no_user_are_found(part: Path) -> None:
    rewrite(part, "users", "validation", lambda users: users[1:])
    assert "u-validation-000000 has records in validation but is no user of it" in verified(part).problems


def test_a_benchmark_row_that_is_missing_is_found(part: Path) -> None:
    rewrite(part, "benchmark", "test", lambda rows: rows[1:])
    (problem,) = verified(part).problems
    assert problem.endswith("the benchmark row differs from the item and its history")


def test_the_report_counts_all_problems_and_tells_the_first_twenty(part: Path) -> None:
    rewrite(part, "items", "test", lambda items: [replace(item, witness="No idea.") for item in items])
    report = verified(part)
    assert report.wrong >= 24
    assert len(report.problems) == 20
