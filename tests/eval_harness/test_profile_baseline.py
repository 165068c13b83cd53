"""The baseline that asks the target twice: for a profile of the user, and for the question rewritten by it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from eval_harness.conditions import Shown
from eval_harness.gold import Gold
from eval_harness.profile_baseline import profiled
from eval_harness.runner import Evaluation, choose_items, evaluate
from persona_atlas.data import Release, history
from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.records import Conversation


class Echo:
    """Answers a question for a profile with SHORT, and any other with the last line of the prompt; nothing where the question is `mute`."""

    name, fingerprint, context_length = "echo", "echo", None

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for i in reversed(range(len(prompts))):
            last = prompts[i].splitlines()[-1].removeprefix("Question: ")
            text = "SHORT" if "In at most five short lines" in prompts[i] else "" if last == "mute" else f"{last} ({'SHORT' in prompts[i]})"
            yield i, Generation(text, "stop", 10, 5)


@pytest.fixture
def chat(release: Release) -> tuple[Conversation, ...]:
    return next(history(item, release)[:1] for item in release.items("test") if item.history)


def gold(release: Release) -> Gold:
    return Gold(release, "test", Echo().count_tokens, 0, 0)


def test_the_question_is_rewritten_by_what_the_history_shows(release: Release, chat: tuple[Conversation, ...]) -> None:
    (found,) = profiled([Shown("How long?", chat)], gold(release), Echo())
    assert (found.text, found.failure, found.calls, found.tokens) == ("How long? (True)", None, 2, 30)


def test_without_a_history_the_question_stays_and_nobody_is_asked(release: Release) -> None:
    (found,) = profiled([Shown("How long?", ())], gold(release), Echo())
    assert (found.text, found.calls) == ("How long?", 0)


def test_an_empty_rewriting_is_a_failure_and_never_the_query(release: Release, chat: tuple[Conversation, ...]) -> None:
    first, second = profiled([Shown("mute", chat), Shown("How long?", chat)], gold(release), Echo())
    assert first.text is None
    assert str(first.failure).startswith("empty prompt")
    assert second.text == "How long? (True)"


class Narrow(Echo):
    """Has no room for a request for a profile."""

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for i, answer in super().generate(prompts, sampling):
            full = "In at most five short lines" in prompts[i]
            yield i, Generation("", "context_overflow", 9, None, "9 tokens are too many") if full else answer


def test_a_question_is_not_rewritten_by_a_profile_that_there_was_no_room_for(release: Release, chat: tuple[Conversation, ...]) -> None:
    (found,) = profiled([Shown("How long?", chat)], gold(release), Narrow())
    assert (found.text, found.failure, found.error) == (None, "no profile: 9 tokens are too many", None)


class Failing(Echo):
    """Loses its answers to the requests for a profile."""

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for i, answer in super().generate(prompts, sampling):
            lost = "In at most five short lines" in prompts[i]
            yield i, Generation("", "error", None, None, "HTTP 503") if lost else answer


def test_an_answer_that_did_not_come_is_no_failure_of_the_baseline(release: Release, chat: tuple[Conversation, ...]) -> None:
    (found,) = profiled([Shown("How long?", chat)], gold(release), Failing())
    assert (found.text, found.failure, found.error) == (None, None, "HTTP 503")


def test_what_did_not_come_is_infrastructure_and_asked_again_by_the_same_command(release: Release, tmp_path: Path) -> None:
    items = choose_items(release, "test", 3, 1)
    run = Evaluation(release, "test", items, ("clean",), "profile", None, (), Failing(), Sampling(64), 0, 0)
    first = evaluate(run, tmp_path / "run", {}, silent, no_progress)
    assert {(sample.arm, sample.finish_reason, sample.error, sample.failure) for sample in first} == {
        ("profile", "error", "HTTP 503", None),
        ("identity", "stop", None, None),
    }
    again = evaluate(replace(run, model=Echo()), tmp_path / "run", {}, silent, no_progress)
    assert {sample.finish_reason for sample in again} == {"stop"}


def test_what_is_asked_in_several_parts_comes_whole_and_in_order(release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = choose_items(release, "test", 5, 1)
    run = Evaluation(release, "test", items, ("clean",), "profile", None, (), Echo(), Sampling(64), 0, 0)
    whole = evaluate(run, tmp_path / "whole", {}, silent, no_progress)
    monkeypatch.setattr("eval_harness.runner.ASKED_AT_ONCE", 2)
    assert evaluate(run, tmp_path / "parts", {}, silent, no_progress) == whole
    assert len({sample.prompt for sample in whole if sample.arm == "profile"}) == len(items)


def silent(*given: object) -> None:
    """Nobody is told."""


@contextmanager
def no_progress(unit: str) -> Iterator[Callable[[int, int], None]]:
    yield silent
