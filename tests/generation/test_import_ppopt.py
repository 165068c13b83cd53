"""Importing the published data set: what becomes of conversations, states and personas, and what is said of the rest."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from generation.cli import main
from generation.imported.convert import FIRST, MOST, NOT_PUBLISHED, TOO_MANY, TOO_MANY_ITEMS, TWICE, UNMAPPED, convert
from generation.imported.read import MASK, Chat, Message, Read, Refused, State, read_file
from generation.imported.release import import_release
from generation.noise.edits import apply
from generation.shard import CONFIGS
from generation.verify import verify
from generation.verify_imported import MASKED, REVEALS, RIGHT
from persona_atlas import schema, shards
from persona_atlas.data import Release, history, open_release
from persona_atlas.records import Conversation, Gold, Held, Item, Reveal, User

NAMES = {
    "anna": "persona_20260101_080000_aaaaaaaaaaaa",
    "boris": "persona_20260101_080001_bbbbbbbbbbbb",
    "cleo": "persona_20260101_080002_cccccccccccc",
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def report_of(release: Release) -> dict[str, Any]:
    return dict(json.loads((release.path / "import.json").read_text(encoding="utf-8")))


def everything(release: Release, read: Callable[[Release, str], list[Any]]) -> list[Any]:
    return [record for split in ("train", "validation", "test") for record in read(release, split)]


def users(release: Release) -> dict[str, User]:
    return {user.name: user for user in everything(release, Release.users)}


def conversations_of(release: Release, user: User) -> list[Conversation]:
    return [conversation for conversation in release.conversations(user.split) if conversation.persona_id == user.persona_id]


def items_of(release: Release, user: User) -> list[Item]:
    return [item for item in release.items(user.split) if item.persona_id == user.persona_id]


def _chat(number: int, traits: dict[str, str]) -> Chat:
    words = f"How about number {number}?"
    return Chat(f"c-{number}", "p", f"{number:03d}", traits, words, (Message("user", words), Message("assistant", "Fine.")))


# Users


def test_a_persona_is_a_user_with_what_is_mapped_as_preferences_and_the_rest_as_attributes(imported: Release) -> None:
    anna = users(imported)[NAMES["anna"]]
    assert [(p.dimension, p.value, p.origin) for p in anna.preferences] == [("structure", "bulleted", "unlabelled")]
    assert dict(anna.preferences[0].parameters) == {"min_items": 2}
    assert anna.attributes == {"age_band": "1824", "length_pref": "detailed"}
    assert (anna.sessions, anna.hard) == (2, ())


def test_what_is_published_as_absent_is_no_attribute(imported: Release) -> None:
    assert users(imported)["persona_d"].attributes == {}


def test_how_an_imported_user_writes_is_not_known(imported: Release) -> None:
    style = users(imported)[NAMES["anna"]].style
    assert (style.verbosity, style.manner, style.feedback, style.tells, style.opener) == ("", "", "", "", "")


def test_domain_and_scenario_are_the_conversations(imported: Release) -> None:
    tea, train = conversations_of(imported, users(imported)[NAMES["anna"]])
    assert (tea.domain, train.domain, tea.slots, train.slots) == ("food", "travel", {"scenario": "planning"}, {"scenario": "planning"})


def test_a_value_in_which_a_personas_records_contradict_each_other_is_left_out_and_listed() -> None:
    chats = [_chat(number, {"length_pref": value, "role": "qa"}) for number, value in enumerate(["terse", "standard"])]
    found = convert(chats)
    (user,) = [user for split in found.users.values() for user in split]
    assert (user.preferences, user.attributes) == ((), {"role": "qa"})
    assert found.account.contradictory == {"p": {"length_pref": ["terse", "standard"]}}


def test_a_users_split_does_not_depend_on_the_other_files(published: Path, imported: Release, tmp_path: Path) -> None:
    import_release([published / "states.jsonl"], tmp_path / "alone")
    alone = users(open_release(tmp_path / "alone", "alone"))
    assert {name: user.split for name, user in alone.items()} == {NAMES["cleo"]: users(imported)[NAMES["cleo"]].split}


# Conversations


def test_conversations_are_in_the_order_of_their_stamps_with_their_words_as_published(imported: Release) -> None:
    tea, train = conversations_of(imported, users(imported)[NAMES["anna"]])
    assert (tea.engine, tea.session, train.session, train.template_id) == ("imported", 0, 1, "")
    assert [(turn.role, turn.act, turn.content) for turn in train.turns] == [
        ("user", "ask", "Which trains go to Bergen at night?"), ("assistant", "answer", "One leaves at eleven."),
    ]  # fmt: skip
    assert tea.turns[2].act == "follow_up"
    assert tea.in_force == (Held("structure", "bulleted"),)


def test_a_noisy_turn_keeps_its_clean_twin_and_one_edit_that_leads_from_it(imported: Release) -> None:
    tea, _ = conversations_of(imported, users(imported)[NAMES["anna"]])
    turn = tea.turns[0]
    assert (turn.clean, tea.query) == ("Which teas go well with lemon cake?",) * 2
    (edit,) = turn.edits
    assert (edit.strategy, apply(turn.clean, turn.edits)) == ("colloquial_speech", "so which teas go well with lemon cake??")


def test_answers_say_what_the_checkers_see_in_them(imported: Release) -> None:
    tea, _ = conversations_of(imported, users(imported)[NAMES["anna"]])
    assert [[(shown.dimension, shown.value) for shown in turn.shows] for turn in tea.turns[1::2]] == [
        [("structure", "bulleted")],
        [("structure", "prose")],
    ]


def test_nothing_is_said_of_what_turns_reveal(imported: Release) -> None:
    turns = [turn for conversation in everything(imported, Release.conversations) for turn in conversation.turns]
    assert not any(turn.reveals or turn.known or turn.contradicted for turn in turns)


def test_a_states_histories_are_conversations_whose_answers_stay_masked(imported: Release) -> None:
    stack, loop = conversations_of(imported, users(imported)[NAMES["cleo"]])
    assert [turn.content for turn in stack.turns] == ["What does a stack do?", MASK, "And a queue,\n\nin one line?", MASK]
    assert [turn.content for turn in loop.turns] == ["Why is my loop slow?", MASK, "It has a list inside."]
    assert not any(turn.shows for turn in stack.turns)


def test_a_conversation_that_a_state_shows_and_that_was_published_is_one() -> None:
    told = Message("user", "hello there"), Message("assistant", "Hello.")
    masked = Message("user", "hello there"), Message("assistant", MASK)
    found = convert([State("s", "p", {"length_pref": "terse"}, "And now?", (masked,)), Chat("c", "p", "", {}, "hello there", told)])
    (conversation,) = [c for split in found.conversations.values() for c in split]
    (item,) = [item for split in found.items.values() for item in split]
    assert conversation.turns[1].content == "Hello."
    assert item.history == (conversation.conversation_id,)


# Items


def test_each_conversation_but_the_first_and_each_state_makes_an_item(imported: Release) -> None:
    anna, cleo = users(imported)[NAMES["anna"]], users(imported)[NAMES["cleo"]]
    (train,), (sort,) = items_of(imported, anna), items_of(imported, cleo)
    assert (train.query, train.session, [c.query for c in history(train, imported)]) == (
        "Which trains go to Bergen at night?", 1, ["Which teas go well with lemon cake?"],
    )  # fmt: skip
    assert (sort.query, sort.session, sort.domain, len(sort.history)) == ("How do I sort a dictionary by its values?", 2, "coding", 2)
    assert sort.gold == (Gold("example", "example", None, "unlabelled"), Gold("length", "brief", None, "unlabelled"))


def test_an_item_says_that_it_has_no_task_instead_of_inventing_one(imported: Release) -> None:
    for item in everything(imported, Release.items):
        assert not item.has_task
        assert (item.template_id, item.witness, item.slots, item.twins, item.hard, item.lures, item.slices) == ("", "", {}, (), (), (), ())
        assert item.question_id == item.item_id


def test_questions_without_an_item_are_listed_with_the_reason(imported: Release) -> None:
    boris = f"interaction_{NAMES['boris']}_20260102_090000_00000"
    found = report_of(imported)["without_item"]
    assert (found[f"{boris}3"], found[f"{boris}4"], found["c-1"]) == ([FIRST], [UNMAPPED], [FIRST])


# What is said of it


def test_every_record_is_converted_or_listed_with_a_reason(published: Path, imported: Release) -> None:
    found = report_of(imported)
    read = [record for path in sorted(published.iterdir()) for record in read_file(path)]
    assert {record.id for record in read} == {*found["ids"], *found["left_out"], *found["without_item"]}
    assert found["left_out"] == {"c-3": ["fewer than two turns"]}
    assert imported.manifest["failures"] == {"not imported: fewer than two turns": 1}
    assert found["converted"] == {
        "users": 4, "conversations": 8, "published_conversations": 6, "published_states": 1, "items": 3, "noisy_turns": 1,
    }  # fmt: skip


def test_the_report_leads_from_each_published_record_to_the_conversations_and_the_item_that_it_became(imported: Release) -> None:
    ids, anna, cleo = report_of(imported)["ids"], users(imported)[NAMES["anna"]], users(imported)[NAMES["cleo"]]
    (train,), (sort,) = items_of(imported, anna), items_of(imported, cleo)
    assert ids[f"interaction_{NAMES['anna']}_20260102_090000_000001"] == [f"{anna.persona_id}-c00"]
    assert ids[f"interaction_{NAMES['anna']}_20260102_090000_000002"] == [f"{anna.persona_id}-c01", train.item_id]
    assert ids[f"interaction_{NAMES['cleo']}_20260103_090000_000001"] == [f"{cleo.persona_id}-c00", f"{cleo.persona_id}-c01", sort.item_id]


def test_every_imported_conversation_and_item_can_be_traced_to_what_was_published(imported: Release) -> None:
    ours = {c.conversation_id for c in everything(imported, Release.conversations)} | {i.item_id for i in everything(imported, Release.items)}
    assert {name for names in report_of(imported)["ids"].values() for name in names} == ours


def test_a_conversation_and_a_state_of_one_id_are_listed_together() -> None:
    chat = _chat(0, {"length_pref": "terse"})
    account = convert([chat, State(chat.id, "p", {}, "And now?", (chat.messages,))]).account
    ((conversation, item),) = account.ids.values()
    assert (conversation.partition("-c")[2], item.partition("-i")[2]) == ("00", "00")
    assert account.without_item == {chat.id: [FIRST]}


def test_every_published_value_is_listed_as_mapped_or_not(imported: Release) -> None:
    found = report_of(imported)
    assert {(row["dimension"], row["value"], row["to"], row["users"]) for row in found["mapped"]} == {
        ("format_pref_primary", "bullets", "structure bulleted", 1),
        ("length_pref", "terse", "length brief", 1),
        ("example_pref", "some", "example example", 1),
        ("detail_orientation", "summary_first", "opening summary_first", 1),
    }
    assert {(row["dimension"], row["value"]) for row in found["not_mapped"]} == {
        ("age_band", "1824"),
        ("length_pref", "detailed"),
        ("tone_pref", "warm"),
    }
    assert all(row["reason"] for row in found["not_mapped"])


def test_a_dimension_that_was_not_published_before_is_kept_and_said_so(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Which size?"}, {"role": "assistant", "content": "The larger one."}]
    (tmp_path / "one.json").write_text(json.dumps([{"id": "c", "persona": {"shoe_size": "42"}, "full_conversation": turns}]))
    import_release([tmp_path / "one.json"], tmp_path / "out")
    made = open_release(tmp_path / "out", "out")
    assert users(made)["c"].attributes == {"shoe_size": "42"}
    assert report_of(made)["not_mapped"] == [{"dimension": "shoe_size", "value": "42", "users": 1, "reason": NOT_PUBLISHED}]


REFUSED = Refused("c-0", "no reason to speak of")


@pytest.mark.parametrize(
    ("read", "reasons"),
    [
        ([_chat(0, {}), _chat(0, {})], [TWICE]),
        ([REFUSED, _chat(0, {})], [REFUSED.reason]),
        ([_chat(0, {}), REFUSED], [REFUSED.reason]),
        ([REFUSED, _chat(0, {}), Refused("c-0", "another"), _chat(0, {})], [REFUSED.reason, "another", TWICE]),
    ],
)
def test_a_record_that_cannot_be_used_or_stands_twice_is_listed_with_its_own_reason(read: list[Read], reasons: list[str]) -> None:
    found = convert(read).account
    assert (found.left_out, found.chats, list(found.ids)) == ({"c-0": reasons}, 1, ["c-0"])


def test_a_user_has_as_many_conversations_as_ids_can_number() -> None:
    found = convert([_chat(number, {"length_pref": "terse"}) for number in range(MOST + 1)])
    assert sum(map(len, found.conversations.values())) == MOST
    assert found.account.left_out == {f"c-{MOST}": [TOO_MANY]}


def test_a_user_has_as_many_items_as_ids_can_number() -> None:
    first = _chat(0, {"length_pref": "terse"})
    found = convert([first, *(State(f"s-{number:03d}", "p", {}, "And now?", (first.messages,)) for number in range(MOST + 1))])
    assert (sum(map(len, found.items.values())), found.account.left_out) == (MOST, {})
    assert found.account.without_item == {"c-0": [FIRST], f"s-{MOST}": [TOO_MANY_ITEMS]}


def test_the_manifest_says_that_the_release_is_imported_and_needs_no_seed(imported: Release) -> None:
    schema.validate("manifest", dict(imported.manifest))
    assert imported.imported
    assert (imported.manifest["source"], imported.manifest["config"]) == ("imported", {"users": 4})


def test_the_same_files_give_the_same_digests_in_whatever_order_and_folder(published: Path, imported: Release, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(published, tmp_path / "elsewhere")
    import_release(sorted(elsewhere.iterdir(), reverse=True), tmp_path / "again")
    again = open_release(tmp_path / "again", "again")
    assert again.manifest == imported.manifest
    assert report_of(again) == report_of(imported)


def test_the_command_prints_what_was_converted_mapped_and_left_out(published: Path, tmp_path: Path) -> None:
    result = run("import-ppopt", *sorted(published.iterdir()), "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{tmp_path}/out: 4 users, 8 conversations, 3 items, from 6 published conversations and 1 states"
    assert "mapped: 4 values of 4 dimensions, 4 times" in lines
    assert "      1  format_pref_primary bullets is structure bulleted" in lines
    assert "left out: 1 records, 0 values of users whose records contradict each other" in lines
    assert lines[-1].startswith(f"Next: atlas-generate verify {tmp_path}/out, or atlas-eval --optimizer history --dataset {tmp_path}/out --split ")


def test_with_json_the_manifest_and_the_report_are_printed_alone(published: Path, tmp_path: Path) -> None:
    found = json.loads(run("import-ppopt", published / "states.jsonl", "--out", tmp_path / "out", "--json").stdout)
    release = open_release(tmp_path / "out", "out")
    assert (found["manifest"], found["import"]) == (release.manifest, report_of(release))


def test_show_says_what_is_imported(imported: Release) -> None:
    anna = users(imported)[NAMES["anna"]]
    (item,) = items_of(imported, anna)
    assert "in a way that is not known" in run("show", "persona", anna.persona_id, imported.path).stdout
    assert "session 0, imported" in run("show", "conversation", f"{anna.persona_id}-c00", imported.path).stdout
    shown = run("show", "item", item.item_id, imported.path).stdout
    assert "imported, without a task" in shown
    assert "witness" not in shown


# Verifying


def test_verify_finds_nothing_wrong_and_says_what_it_could_not_check(imported: Release) -> None:
    report = verify(imported)
    assert report.problems == []
    assert report.checked["assistant turns against the checkers"] == 7
    assert report.unchecked == {MASKED: 3, RIGHT: 3, REVEALS: 11}
    assert run("verify", imported.path).stdout.splitlines()[-1] == f"{imported.path}: intact, and every label that can be checked is true"


@pytest.mark.parametrize(
    ("config", "change", "problem"),
    [
        ("items", lambda item: replace(item, gold=(Gold("length", "long", None, "unlabelled"),)), "its gold is not the user's preferences"),
        ("items", lambda item: replace(item, history=()), "its history is not conversations of the user before it, in order"),
        ("items", lambda item: replace(item, witness="Yes."), "it has a task or a witness, which imported questions have not"),
        ("items", lambda item: replace(item, slices=("stated",)), "it has twins, lures, hard constraints, slices or history noise"),
        ("conversations", lambda c: replace(c, in_force=(Held("length", "long"),)), "in_force does not say what the user's preferences are"),
        ("conversations", lambda c: replace(c, engine="scripted"), "engine scripted, session"),
        ("conversations", lambda c: _with_turn(c, reveals=(Reveal("length", "brief", "explicit"),)), "turn 0: it says what is revealed"),
        ("conversations", lambda c: _with_turn(c, clean="Something else?"), "turn 0: the edits do not turn the clean text into the noisy one"),
        ("users", lambda user: replace(user, sessions=user.sessions + 1), "conversations are said to be there"),
    ],
)
def test_verify_finds_a_false_label(config: str, change: Callable[[Any], Any], problem: str, imported_path: Path, tmp_path: Path) -> None:
    out = shutil.copytree(imported_path, tmp_path / "copy")
    _rewrite(out, config, change)
    assert any(problem in found for found in verify(open_release(out, "copy")).problems)


def test_an_imported_conversation_in_another_release_is_wrong(release_path: Path, tmp_path: Path) -> None:
    out = shutil.copytree(release_path, tmp_path / "copy")
    _rewrite(out, "conversations", lambda conversation: replace(conversation, engine="imported"))
    assert "an imported conversation in a release that is not imported" in verify(open_release(out, "copy")).problems[0]


def _with_turn(conversation: Conversation, **changes: Any) -> Conversation:
    return replace(conversation, turns=(replace(conversation.turns[0], **changes), *conversation.turns[1:]))


def _rewrite(out: Path, config: str, change: Callable[[Any], Any]) -> None:
    """Change the records of one config, and every digest and hash with them."""
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        if entry["config"] == config:
            kind = CONFIGS[config]
            records = [change(record) for record in shards.read_records(out / entry["path"], kind)]
            shards.write_records(out / entry["path"], kind, records)
            entry.update(content_digest=shards.content_digest(map(shards.record_digest, records)), sha256=shards.file_sha256(out / entry["path"]))
    manifest["content_digest"] = shards.content_digest(entry["content_digest"] for entry in manifest["files"])
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
