"""Talks run side by side: each goes on as soon as its own answer is there, fails are asked for again with the reason, and no more than so often."""

from collections.abc import Callable, Iterator, Sequence
from typing import get_args

import pytest

from generation.spoken.assistant import answer, needed
from generation.spoken.conveys import Fault, Reason
from generation.spoken.talk import SENT, TEMPERATURES, Ask, Outcome, Part, Talk, Wanted, agents, asked, perform
from persona_atlas.data import Release
from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.models.stream import BatchStream
from persona_atlas.records import Reveal, Shown, Turn
from persona_atlas.scoring import filling_of


class Slowest:
    """A stream that finishes the shortest prompt it has, one at a time, and remembers how many there were."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, str]] = []
        self.crowds: list[int] = []

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self.waiting.append((number, prompt))

    def finished(self, wait: bool = True) -> list[tuple[int, Generation]]:
        if not self.waiting:
            return []
        self.crowds.append(len(self.waiting))
        chosen = min(self.waiting, key=lambda entry: len(entry[1]))
        self.waiting.remove(chosen)
        return [(chosen[0], Generation(chosen[1].upper(), "stop", 1, 1))]

    def close(self) -> list[tuple[int, Generation]]:
        self.waiting.clear()
        return []


def counting(word: str, times: int) -> Talk[list[str]]:
    said = []
    for _ in range(times):
        generation = yield Ask("user", word, Sampling(5))
        said.append(generation.text)
    return said


def test_no_talk_waits_for_another() -> None:
    stream = Slowest()
    talks = [("slow", counting("a long prompt", 1)), ("fast", counting("b", 5)), ("none", counting("c", 0))]
    ended = list(perform(talks, {"user": stream}, 8))
    assert ended == [("none", []), ("fast", ["B"] * 5), ("slow", ["A LONG PROMPT"])]
    assert stream.crowds == [2] * 5 + [1]


class Late(Slowest):
    """Has nothing yet when it is looked at, until it was looked at twenty times; waiting for it would be for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def finished(self, wait: bool = True) -> list[tuple[int, Generation]]:
        assert not wait
        self.looks += 1
        return super().finished() if self.looks >= 20 else []


def test_no_stream_waits_for_another() -> None:
    def other(word: str) -> Talk[list[str]]:
        generation = yield Ask("assistant", word, Sampling(5))
        return [generation.text]

    late = Late()
    ended = list(perform([("late", other("a")), ("soon", counting("b", 9))], {"user": Slowest(), "assistant": late}, 8))
    assert ended == [("soon", ["B"] * 9), ("late", ["A"])]
    assert late.looks >= 20


def test_there_are_never_more_talks_than_there_is_room_for() -> None:
    stream = Slowest()
    assert len(list(perform(((i, counting(f"say {i}", 2)) for i in range(20)), {"user": stream}, 3))) == 20
    assert max(stream.crowds) == 3


LOST = Generation("", "error", None, None, "dropped")
FULL = Generation("", "context_overflow", 9000, None, "too long")


class Saying:
    """A model that says one line after another, whatever it is asked; `lost` is an answer that got lost, `full` a prompt that is too long."""

    name, fingerprint, context_length = "saying", "saying", None

    def __init__(self, *lines: str) -> None:
        self.lines, self.asked = list(lines), list[str]()

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for index, prompt in enumerate(prompts):
            self.asked.append(prompt)
            line = self.lines.pop(0)
            yield index, {"lost": LOST, "full": FULL}.get(line, Generation(line, "stop", 1, 1))


def too_short(generation: Generation) -> Fault | None:
    return None if len(generation.text) > 3 else Fault("lost value", "the date")


def told_by(model: Saying, parts: int = 1, whole: Callable[[str], Fault | None] = lambda text: None) -> Outcome:
    pieces = tuple(Part(f"Say part {number}.", too_short) for number in range(parts))
    wanted = Wanted("user", pieces, agents()["user"]["again"], 20, (0, "here"), whole)
    ((_, told),) = perform([("one", asked(wanted))], {"user": BatchStream(model)}, 1)
    return told


def test_what_will_not_do_is_asked_for_again_with_the_reason() -> None:
    model = Saying("no", " well said \n")
    assert told_by(model) == Outcome("well said", 2, ("lost value",))
    assert model.asked[0] == "Say part 0."
    assert model.asked[1].endswith("Say part 0.")
    assert "it leaves out the date" in model.asked[1]


def test_after_so_many_tries_nothing_is_told() -> None:
    model = Saying("a", "b", "c", "long enough")
    assert told_by(model) == Outcome(None, len(TEMPERATURES), ("lost value",) * len(TEMPERATURES))
    assert len(model.asked) == len(TEMPERATURES)


def test_what_gets_lost_is_asked_again_as_it_was_and_is_no_try() -> None:
    model = Saying("lost", "lost", "well said")
    assert told_by(model) == Outcome("well said", 1, ())
    assert set(model.asked) == {"Say part 0."}


def test_a_model_that_loses_everything_is_told_of_no_fault() -> None:
    model = Saying(*["lost"] * SENT * len(TEMPERATURES))
    assert told_by(model) == Outcome(None, len(TEMPERATURES), ("error",) * len(TEMPERATURES))
    assert set(model.asked) == {"Say part 0."}


def test_what_is_too_long_for_the_model_is_not_asked_again() -> None:
    model = Saying("no", "full")
    assert told_by(model) == Outcome(None, 2, ("lost value", "overflow"))


def test_only_the_part_that_will_not_do_is_asked_for_again() -> None:
    model = Saying("first.", "no", "second.")
    assert told_by(model, 2) == Outcome("first. second.", 2, ("lost value",))
    assert [prompt[-11:] for prompt in model.asked] == ["Say part 0.", "Say part 1.", "Say part 1."]


def test_parts_that_do_not_make_a_whole_are_all_asked_for_again() -> None:
    model = Saying("same.", "old.", "brand", "new.")
    assert told_by(model, 2, lambda text: Fault("copy") if "old" in text else None) == Outcome("brand new.", 2, ("copy",))
    assert "it is a copy" in model.asked[2]


def test_every_reason_has_words() -> None:
    assert set(agents()["reasons"]) == set(get_args(Reason))
    assert all(isinstance(text, str) and text for text in agents()["reasons"].values())


@pytest.mark.parametrize("words", ["answer", "message", "conversation"])
def test_an_answer_is_off_the_subject_that_shares_words_with_the_instructions_alone(words: str, release: Release) -> None:
    asked = release.conversations("test")[0]
    filling = filling_of(asked)
    turns = [
        Turn("user", asked.query, "ask"),
        Turn("assistant", "Sure.", "answer"),
        Turn("user", "Thanks.", "follow_up"),
        Turn("assistant", "", "answer"),
    ]
    (part,) = answer("assistant", turns, 3, filling, 0, "here").parts
    assert words in part.prompt.lower()
    found = part.judge(Generation(f"The {words} to everything is cheese.", "stop", 1, 1))
    assert found is not None
    assert found.reason == "off the subject"


@pytest.mark.parametrize(("shown", "must", "must_not"), [("bulleted", {"structure": "bulleted"}, {}), ("table", {}, {"structure": "bulleted"})])
def test_a_second_answer_heeds_the_user_where_the_scripted_one_does(shown: str, must: dict[str, str], must_not: dict[str, str]) -> None:
    asked = Turn("user", "As bullets, please.", "feedback", (Reveal("structure", "bulleted", "explicit"),))
    again = Turn("assistant", "Rinse, then simmer.", "revise", shows=(Shown("structure", shown),))
    assert needed([asked, again], 1) == (must, must_not)
