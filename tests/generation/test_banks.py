"""The banks are checked when they are read: what is wrong is named with its file, its place and what to do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest
import yaml

import generation
from generation import banks
from generation.banks import chatter, frames, noise_words, people
from persona_atlas.content import CatalogError
from persona_atlas.models.scripted import find_orders
from persona_atlas.preferences.checkers.hard import word_pattern
from persona_atlas.records import SPLITS
from persona_atlas.tasks.templates import load_templates

READERS: dict[str, Callable[[], object]] = {"people.yaml": people, "frames.yaml": frames, "chatter.yaml": chatter, "noise.yaml": noise_words}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the banks that may be spoiled."""
    copytree(Path(generation.__file__).parent / "data", tmp_path / "data")
    monkeypatch.setattr(banks, "files", lambda package: tmp_path)
    for reader in READERS.values():
        reader.cache_clear()  # type: ignore[attr-defined]
    yield tmp_path / "data"
    for reader in READERS.values():
        reader.cache_clear()  # type: ignore[attr-defined]


def refused(file: Path, change: Callable[[str], str]) -> str:
    """The sentence with which the spoiled file is refused."""
    text = file.read_text(encoding="utf-8")
    spoiled = change(text)
    assert spoiled != text
    file.write_text(spoiled, encoding="utf-8")
    with pytest.raises(CatalogError) as error:
        READERS[file.name]()
    return str(error.value)


def line_of(file: Path, text: str) -> int:
    return next(number for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if text in line)


@pytest.mark.parametrize("name", list(READERS))
def test_the_banks_that_ship_are_read(name: str, data: Path) -> None:
    assert READERS[name]()


@pytest.mark.parametrize("name", list(READERS))
def test_what_is_no_yaml_is_refused_with_its_line(name: str, data: Path) -> None:
    found = refused(data / name, lambda text: text + '\nodd: "never closed\n')
    assert found.startswith(f"{name}, line ")
    assert "not readable as YAML" in found


def test_a_frame_without_a_place_for_the_wish_is_refused_with_its_line(data: Path) -> None:
    found = refused(data / "frames.yaml", lambda text: text.replace("This once, {request}, then back to normal.", "This once, then back to normal."))
    assert found.startswith("frames.yaml")
    assert "'This once, then back to normal.' holds no {request}; say where the wish goes" in found
    assert f"line {line_of(data / 'frames.yaml', 'This once, then back to normal.')}" in found


def test_a_change_without_a_place_for_the_wish_is_refused(data: Path) -> None:
    found = refused(data / "frames.yaml", lambda text: text.replace("I have changed my mind: from here on {request}.", "I have changed my mind."))
    assert "change" in found
    assert "holds no {request}" in found


def test_a_change_without_its_event_is_refused(data: Path) -> None:
    found = refused(data / "frames.yaml", lambda text: text.replace("{event: new_job, text:", "{evnt: new_job, text:", 1))
    assert "unknown key 'evnt', did you mean 'event'?" in found


def test_a_kind_of_frame_that_is_missing_is_refused(data: Path) -> None:
    found = refused(data / "frames.yaml", lambda text: text.replace("  mood:\n", "  moods:\n", 1))
    assert found.startswith("frames.yaml, train: unknown key 'moods', did you mean 'mood'?")


@pytest.mark.parametrize("key", ["names", "attributes", "relatives", "towns", "areas", "style"])
def test_a_key_that_is_missing_in_people_is_refused(key: str, data: Path) -> None:
    def without(text: str) -> str:
        found = yaml.safe_load(text)
        del found[key]
        return yaml.safe_dump(found, allow_unicode=True)

    assert refused(data / "people.yaml", without) == f"people.yaml: the key '{key}' is missing; add it"


@pytest.mark.parametrize("key", ["openers", "closers", "quirks", "abbreviations"])
def test_a_key_that_is_missing_in_styles_is_refused(key: str, data: Path) -> None:
    found = refused(data / "people.yaml", lambda text: text.replace(f"  {key}:", f"  {key}s:", 1))
    assert found.startswith(f"people.yaml, style: unknown key '{key}s', did you mean '{key}'?")


def test_a_domain_without_words_for_it_is_refused(data: Path) -> None:
    found = refused(data / "people.yaml", lambda text: text.replace("  cooking: cooking\n", ""))
    assert found == "people.yaml, areas: there are no words for cooking; add a phrase that fits 'For anything about …'"


def test_leads_of_an_unknown_manner_are_refused(data: Path) -> None:
    found = refused(data / "chatter.yaml", lambda text: text.replace("  polite:\n", "  polit:\n", 1))
    assert found.startswith("chatter.yaml, leads: unknown key 'polit', did you mean 'polite'?")


def test_a_kind_of_noise_that_is_missing_is_refused(data: Path) -> None:
    found = refused(data / "noise.yaml", lambda text: text.replace("\nreal_life_fragment:\n", "\nreal_life_fragments:\n"))
    assert found.startswith("noise.yaml")
    assert "did you mean 'real_life_fragment'?" in found


# What the banks that ship must hold.


def test_no_frame_stands_in_two_splits() -> None:
    seen: dict[str, str] = {}
    for split in SPLITS:
        for kind, lines in frames()[split].items():
            for line in lines:
                text = " ".join((line["text"] if kind == "change" else line).lower().split())
                assert seen.setdefault(text, split) == split, text


def test_every_split_has_the_same_events_of_life() -> None:
    assert all({entry["event"] for entry in frames()[split]["change"]} for split in SPLITS)
    assert all("changed_mind" in {entry["event"] for entry in frames()[split]["change"]} for split in SPLITS)


def test_names_and_towns_stand_once() -> None:
    assert all(len(set(people()[key])) == len(people()[key]) for key in ("names", "relatives", "towns"))


def test_there_are_words_for_every_domain() -> None:
    assert {template.domain for template in load_templates().values()} <= set(people()["areas"])


def test_small_talk_alternates_and_a_user_begins() -> None:
    for split in SPLITS:
        for chat in chatter()["off_topic"][split]:
            assert [next(iter(turn)) for turn in chat] == [("user", "assistant")[i % 2] for i in range(len(chat))]


def test_no_small_talk_stands_in_two_splits() -> None:
    openings = [next(iter(chat[0].values())) for split in SPLITS for chat in chatter()["off_topic"][split]]
    assert len(set(openings)) == len(openings)


DOUBTS = [(strategy, line) for strategy in ("unclear_priority", "ambiguous_intent") for line in noise_words()[strategy]["after"]]
"""Lines that stand behind any task and leave open what matters most, or what is wanted."""


def slot_values() -> set[str]:
    """Every value, of two letters or more, that the question of some task can leave out."""
    found: set[str] = set()
    for template in load_templates().values():
        slot, _, part = template.incomplete.slot.partition(".") if template.incomplete else ("", "", "")
        found |= {str(option[part] if part else option).lower() for option in template.slots.get(slot, ())}
    return {value for value in found if len(value) > 1}


def test_no_line_that_noise_adds_stands_twice() -> None:
    lines = [line for keys in noise_words().values() for bank in keys.values() if isinstance(bank, list) for line in bank]
    assert len(lines) == len(set(lines))


def test_there_are_many_lines_that_leave_the_aim_open() -> None:
    counts = {strategy: sum(other == strategy for other, _ in DOUBTS) for strategy, _ in DOUBTS}
    assert counts["unclear_priority"] >= 80
    assert counts["ambiguous_intent"] >= 60


def test_lines_that_leave_the_aim_open_name_nothing_that_a_task_asks_about() -> None:
    values = word_pattern(tuple(slot_values()))
    assert [line for _, line in DOUBTS if values.search(line.lower()) or any(letter.isdigit() for letter in line)] == []


def test_lines_that_leave_the_aim_open_give_no_orders() -> None:
    assert [line for _, line in DOUBTS if find_orders(line) != ({}, frozenset())] == []
