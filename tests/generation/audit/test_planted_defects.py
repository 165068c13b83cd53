"""More than a hundred defects, TIMES of each kind, are planted into a clean release: audit or verify finds each, and none in the clean release.

What an audit reads is changed in memory, and the question asked that should find it; what verify finds is changed in the files.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generation.audit import duplicates, evenness, isolation, privacy, soundness
from generation.audit.corpus import Chat, Corpus, Said, words
from generation.audit.thresholds import FAILED, Threshold, figure, judged, load_thresholds
from generation.build import CONFIGS
from generation.verify import Report, verify
from persona_atlas import shards
from persona_atlas.data import open_release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import User
from persona_atlas.tasks.templates import load_templates

TIMES = 5
Plant = Callable[[Corpus], Corpus]
Edit = Callable[[int, Said], Said]


def at(chat: Chat, place: int, turn: Said) -> Chat:
    return replace(chat, turns=(*chat.turns[:place], turn, *chat.turns[place + 1 :]))


def in_turns(corpus: Corpus, role: str, edit: Edit, wanted: Callable[[Chat, Said], bool] = lambda chat, turn: True) -> Corpus:
    """TIMES turns of a role changed, of which no two are in the same chat; they are taken from all over the release."""
    chats = list(corpus.chats)
    places = [
        (i, place)
        for i, chat in enumerate(chats)
        for place in [next((p for p, turn in enumerate(chat.turns) if turn.role == role and wanted(chat, turn)), -1)]
        if place >= 0
    ]
    for number, (i, place) in enumerate(spread(places)):
        chats[i] = at(chats[i], place, edit(number, chats[i].turns[place]))
    return replace(corpus, chats=tuple(chats))


def spread(found: Sequence[Any]) -> Sequence[Any]:
    """TIMES of them, at even distances."""
    assert len(found) >= TIMES
    return [found[number * len(found) // TIMES] for number in range(TIMES)]


def says(*texts: str) -> Plant:
    """Users' turns that go on with one of the texts."""
    return lambda corpus: in_turns(corpus, "user", lambda number, turn: replace(turn, text=f"{turn.text} {texts[number % len(texts)]}"))


def answers(text: str) -> Plant:
    return lambda corpus: in_turns(corpus, "assistant", lambda number, turn: replace(turn, text=text))


def cut_off(corpus: Corpus) -> Corpus:
    """Answers that end in a paragraph, cut behind a word of its last sentence, as a token limit does."""

    def prose(chat: Chat, turn: Said) -> bool:
        last = turn.text.splitlines()[-1]
        return last[0].isalpha() and len(words(last)) > 9 and last.endswith((".", "!", "?"))

    def cut(number: int, turn: Said) -> Said:
        *lines, last = turn.text.splitlines()
        return replace(turn, text="\n".join([*lines, " ".join(last.split()[: -1 - number % 3]).rstrip(".,;:!?")]))

    return in_turns(corpus, "assistant", cut, prose)


def shared_phrasings(corpus: Corpus) -> Corpus:
    lines = [line for value in load_catalog().values() for line in value.phrasings.get("train", {}).get("explicit", ()) if len(words(line)) > 6]

    def other(chat: Chat, turn: Said) -> bool:
        return chat.split != "train"

    return in_turns(corpus, "user", lambda number, turn: replace(turn, text=f"{turn.text} {lines[7 * number]}"), other)


def leaked_templates(corpus: Corpus) -> Corpus:
    train, items = [name for name, template in load_templates().items() if template.split == "train"], list(corpus.items)
    for number, i in enumerate(spread([i for i, item in enumerate(items) if item.split == "test"])):
        items[i] = replace(items[i], template_id=train[number])
    return replace(corpus, items=tuple(items))


def copied(corpus: Corpus, change: Callable[[User], User]) -> Corpus:
    """Users with all their conversations a second time, under another id."""
    users, chats = list(corpus.users), list(corpus.chats)
    for number, user in enumerate(spread(corpus.users)):
        id_ = f"u-{user.split}-9{number:05d}"
        users.append(replace(change(user), persona_id=id_))
        chats += [replace(chat, id=chat.id.replace(user.persona_id, id_), user=id_) for chat in corpus.histories[user.persona_id]]
    return replace(corpus, users=tuple(users), chats=tuple(chats))


def copied_users(corpus: Corpus) -> Corpus:
    return copied(corpus, lambda user: user)


def disguised_users(corpus: Corpus) -> Corpus:
    return copied(corpus, lambda user: replace(user, name="Petra", attributes={"occupation": "baker"}))


def copied_chats(corpus: Corpus) -> Corpus:
    """Conversations that another user has too."""
    chats = list(corpus.chats)
    for number, chat in enumerate(spread([chat for chat in corpus.own if chat.split == "train"])):
        chats.append(replace(chat, id=f"{chat.id[:-2]}9{number}", user=corpus.users[0].persona_id))
    return replace(corpus, chats=tuple(chats))


def two_splits(corpus: Corpus) -> Corpus:
    chats = list(corpus.chats)
    for user in spread([user for user in corpus.users if user.split == "train"]):
        i = next(i for i, chat in enumerate(chats) if chat.user == user.persona_id)
        chats[i] = replace(chats[i], split="test", template="")
    return replace(corpus, chats=tuple(chats))


def swapped_roles(corpus: Corpus) -> Corpus:
    return in_turns(corpus, "assistant", lambda number, turn: replace(turn, role="user"))


def empty_turns(corpus: Corpus) -> Corpus:
    return in_turns(corpus, "user", lambda number, turn: replace(turn, text=" \n"))


def repeated_answers(corpus: Corpus) -> Corpus:
    """A chat's last two turns once more."""
    chats = list(corpus.chats)
    for i in spread([i for i, chat in enumerate(chats) if len(chat.turns) == 2]):
        chats[i] = replace(chats[i], turns=(*chats[i].turns, Said("user", "And then?"), chats[i].turns[1]))
    return replace(corpus, chats=tuple(chats))


def dimensions_of(corpus: Corpus) -> list[str]:
    """The TIMES dimensions that most users have."""
    names = [p.dimension for user in corpus.users for p in user.preferences if p.last_session is None]
    return sorted(set(names), key=lambda name: (-names.count(name), name))[:TIMES]


def with_values(corpus: Corpus, value: Callable[[User, str], str]) -> Corpus:
    """The users with other values in these dimensions."""
    chosen = dimensions_of(corpus)

    def changed(user: User) -> User:
        new = [replace(p, value=value(user, p.dimension)) if p.dimension in chosen else p for p in user.preferences]
        return replace(user, preferences=tuple(new))

    return replace(corpus, users=tuple(map(changed, corpus.users)))


def uneven_values(corpus: Corpus) -> Corpus:
    return with_values(corpus, lambda user, dimension: next(iter(load_catalog().dimensions[dimension].values)))


def told_by_household(corpus: Corpus) -> Corpus:
    """The value follows from the household."""
    households = sorted({user.attributes["household"] for user in corpus.users})

    def value(user: User, dimension: str) -> str:
        values = list(load_catalog().dimensions[dimension].values)
        return values[households.index(user.attributes["household"]) % len(values)]

    return with_values(corpus, value)


# Defects of files, for what verify finds.


def rewrite(release: Path, config: str, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the records of the test split's file, and the manifest with them, so that hashes agree."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    (entry,) = (entry for entry in manifest["files"] if (entry["config"], entry["split"]) == (config, "test"))
    records = change(list(shards.read_records(release / entry["path"], CONFIGS[config])))
    shards.write_records(release / entry["path"], CONFIGS[config], records)
    entry["rows"] = len(records)
    entry["content_digest"] = shards.content_digest(map(shards.record_digest, records))
    entry["sha256"] = shards.file_sha256(release / entry["path"])
    put(release, manifest)


def put(release: Path, manifest: dict[str, Any]) -> None:
    manifest["content_digest"] = shards.content_digest(entry["content_digest"] for entry in manifest["files"])
    (release / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def in_records(change: Callable[[Any], Any | None]) -> Callable[[list[Any]], list[Any]]:
    """TIMES records changed: of those in which there is something to change."""

    def changed(records: list[Any]) -> list[Any]:
        made = list(records)
        for i in spread([i for i, record in enumerate(records) if change(record) is not None]):
            made[i] = change(records[i])
        return made

    return changed


def in_turn(change: Callable[[Any], Any | None]) -> Callable[[Any], Any | None]:
    """A conversation with the first turn changed in which there is something to change."""

    def changed(conversation: Any) -> Any | None:
        new: Iterator[tuple[int, Any]] = ((place, change(turn)) for place, turn in enumerate(conversation.turns))
        place, turn = next(((place, turn) for place, turn in new if turn is not None), (0, None))
        return None if turn is None else replace(conversation, turns=(*conversation.turns[:place], turn, *conversation.turns[place + 1 :]))

    return changed


def flipped_label(turn: Any) -> Any | None:
    """What an answer shows, called another value of the dimension."""
    for place, shown in enumerate(turn.shows):
        if shown.value is not None:
            other = load_catalog().dimensions[shown.dimension].others(shown.value)[0].id
            return replace(turn, shows=(*turn.shows[:place], replace(shown, value=other), *turn.shows[place + 1 :]))
    return None


def unrevealing(turn: Any) -> Any | None:
    """A turn that no longer lets its preference be known: words and label are gone."""
    return replace(turn, content="Hello.", reveals=(), clean="", edits=()) if any(reveal.standing for reveal in turn.reveals) else None


def moved_span(turn: Any) -> Any | None:
    if not turn.edits or not turn.edits[0].before:
        return None
    first = turn.edits[0]
    return replace(turn, edits=(replace(first, start=first.start + 1, end=first.end + 1), *turn.edits[1:]))


def flipped_gold(item: Any) -> Any | None:
    if not item.gold:
        return None
    first = item.gold[0]
    return replace(item, gold=(replace(first, value=load_catalog().dimensions[first.dimension].others(first.value)[0].id), *item.gold[1:]))


# What finds them.

ASKED: dict[str, Callable[[Corpus], Any]] = {
    "duplicates": lambda corpus: duplicates.figures(corpus, 0),
    "isolation": isolation.figures,
    "soundness": soundness.figures,
    "privacy": lambda corpus: privacy.figures(corpus, Path()),
}
COUNTED = {"soundness.cut_off_answers.share": "soundness.cut_off_answers.count", "soundness.refusals.share": "soundness.refusals.count",
           "soundness.repeated.share": "soundness.repeated.count"}  # fmt: skip
"""Where a threshold looks at a share: how many there are."""
KINDS: list[tuple[str, Plant, str]] = [
    ("a leaked template", leaked_templates, "templates_of_another_split"),
    ("a shared phrasing", shared_phrasings, "strange_phrasings"),
    ("a duplicated user", copied_users, "duplicate_users"),
    ("a user under another name", disguised_users, "near_duplicate_users"),
    ("a duplicated conversation", copied_chats, "duplicate_conversations"),
    ("a user in two splits", two_splits, "users_in_two_splits"),
    ("an e-mail address", says("Write to jane.roe@example.org then.", "My mail: j_r@mail.example.net"), "personal_data"),
    ("a phone number", says("Call +44 20 7946 0958.", "I am at (555) 010-4477 all day", "555-010-4477"), "personal_data"),
    ("an account number", says("Pay to GB82 WEST 1234 5698 7654 32.", "DE89370400440532013000"), "personal_data"),
    ("a card number", says("It is 4111 1111 1111 1111.", "5500000000000004"), "personal_data"),
    ("a web address", says("See https://example.org/a.", "it is on www.example.com"), "personal_data"),
    ("a name outside the lists", says("I told Beauregard so.", "so said Wolfgang", "We asked Octavia."), "strange_names"),
    ("a schema key in text", says("Remember my persona_id.", "use unit_names", "template_id comes first"), "schema_terms"),
    ("a gold value id in text", says("My length: brief.", 'as in "structure": "bulleted"', "day_month", "units=metric"), "schema_terms"),
    ("a truncated answer", cut_off, "cut_off_answers"),
    ("a refusal", answers("I'm sorry, but I can't help with that."), "refusals"),
    ("a swapped role", swapped_roles, "disordered"),
    ("an empty turn", empty_turns, "empty"),
    ("a repeated answer", repeated_answers, "repeated"),
]
WRITTEN: list[tuple[str, str, Callable[[list[Any]], list[Any]], str]] = [
    ("a flipped label", "conversations", in_records(in_turn(flipped_label)), "the labels do not say what the checkers see"),
    ("a changed noise span", "conversations", in_records(in_turn(moved_span)), "an edit's span does not hold the text it says"),
    ("no revealing turn", "conversations", in_records(in_turn(unrevealing)), "known does not say what the turns so far reveal"),
    ("flipped gold", "items", in_records(flipped_gold), "its gold is not what"),
]


def enough(corpus: Corpus, threshold: Threshold, audited: dict[str, Any]) -> Corpus:
    """The chats so many times over that the threshold is judged."""
    size = figure(audited, threshold.sample) if threshold.sample else threshold.needs
    return replace(corpus, chats=corpus.chats * -(-threshold.needs // size))


def test_there_are_more_than_a_hundred_of_more_than_fifteen_kinds() -> None:
    assert len(KINDS) + len(WRITTEN) >= 20
    assert (len(KINDS) + len(WRITTEN)) * TIMES >= 100


@pytest.mark.parametrize(("planted", "check"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS])
def test_the_audit_finds_each(planted: Plant, check: str, corpus: Corpus, audited: dict[str, Any]) -> None:
    (threshold,) = (threshold for threshold in load_thresholds() if threshold.id == check)
    section, measure = threshold.measure.split(".")[0], COUNTED.get(threshold.measure, threshold.measure)
    assert figure(audited, measure) == 0
    found = {section: ASKED[section](planted(enough(corpus, threshold, audited)))}
    assert figure(found, measure) >= TIMES
    (state,) = (judgement.state for judgement in judged(found) if judgement.threshold.id == check)
    assert state == FAILED


@pytest.fixture(scope="module")
def even(people: Corpus) -> dict[str, Any]:
    """The figures of evenness of people in whom nothing was planted."""
    return evenness.figures(people, 0)


def test_uneven_values_are_found_in_each_dimension(people: Corpus, even: dict[str, Any]) -> None:
    found = evenness.figures(uneven_values(people), 0)
    assert even["least_p"] > 0.01
    for dimension in dimensions_of(people):
        assert found["dimensions"][dimension]["p"] < 0.01


def test_values_that_follow_from_an_attribute_are_found_in_each_dimension(people: Corpus, even: dict[str, Any]) -> None:
    found = evenness.figures(told_by_household(people), 0)["pairs"]
    assert even["pairs"]["least_p"] > 0.01
    tied = {row["pair"] for row in found["strongest"] if row["p_corrected"] < 0.01}
    assert tied >= {f"{dimension} and household" for dimension in dimensions_of(people)}


@pytest.fixture
def part(release_path: Path, tmp_path: Path) -> Path:
    """The release's test split: six users."""
    manifest = json.loads((release_path / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = [entry for entry in manifest["files"] if entry["split"] == "test"]
    for entry in manifest["files"]:
        (tmp_path / entry["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release_path / entry["path"], tmp_path / entry["path"])
    put(tmp_path, manifest)
    return tmp_path


def of_one_user(records: list[Any]) -> list[Any]:
    return [record for record in records if (getattr(record, "persona_id", "") or record.request_id).startswith("u-test-000000")]


def problems(release: Path) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generation.verify.MOST", 10_000)
        return verify(open_release(release, "the tests")).problems


@pytest.mark.parametrize(("config", "change", "says"), [kind[1:] for kind in WRITTEN], ids=[kind[0] for kind in WRITTEN])
def test_verify_finds_each(config: str, change: Callable[[list[Any]], list[Any]], says: str, part: Path) -> None:
    rewrite(part, config, change)
    assert sum(says in problem for problem in problems(part)) >= TIMES


def test_verify_finds_each_broken_digest(part: Path) -> None:
    for config in ("users", "conversations", "history_noise", "items", "benchmark"):
        rewrite(part, config, of_one_user)
    manifest = json.loads((part / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"][:TIMES]:
        entry["content_digest"] = "0" * 64
    put(part, manifest)
    assert sum("its content differs from the manifest" in problem for problem in problems(part)) == TIMES


def test_neither_verify_nor_the_audit_finds_a_defect_in_the_clean_release(clean_report: Report, audited: dict[str, Any]) -> None:
    assert [check["id"] for check in audited["checks"] if check["state"] == FAILED] == []
    assert clean_report.wrong == 0
