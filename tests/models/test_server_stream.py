"""A stream to a server, on a stand-in for lm-eval's backend: what refuses everything, what ends while it is being answered, and who does not wait."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from persona_atlas.models.cache import ResponseCache
from persona_atlas.models.lmeval_api import ReportedAnswer, lost
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.server import MOST_LOST, ServerStream, pause
from persona_atlas.models.stream import Answers, CachedStream

SHORT = Sampling(max_gen_toks=4)
FOREVER = 60.0


class Server:
    """The model and its backend: "refuse" is refused, "long" is too long, "fail" fails, "wait" waits to be let go, all else is answered at once.

    From `down_after` requests on, the next `down_for` fail, whatever they ask.
    """

    name, fingerprint, context_length = "server", "server 1", None

    def __init__(self, tries: int = 1, concurrency: int = 2) -> None:
        self.tries, self.concurrency = tries, concurrency
        self.asked: list[str] = []
        self.lock = threading.Lock()
        self.down_after = self.down_for = 0
        self.go = threading.Event()
        self.backend = SimpleNamespace(model_call=self.model_call, parse_generations=lambda outputs, contexts: outputs)

    def model_call(self, messages: list[str], **options: Any) -> list[ReportedAnswer]:
        (prompt,) = messages
        with self.lock:
            self.asked.append(prompt)
            number = len(self.asked)
        kind = prompt.split()[0]
        if kind == "wait":
            assert self.go.wait(FOREVER)
        if kind == "fail" or self.down_after < number <= self.down_after + self.down_for:
            raise ConnectionError("no route")
        return [{"refuse": lost("no such model"), "long": lost("maximum context")}.get(kind, ReportedAnswer(f"{prompt}!"))]

    def context(self, prompt: str, sampling: Sampling) -> tuple[Any, int | None] | Generation:
        return prompt, None

    def generation(self, answer: ReportedAnswer, prompt_tokens: int | None, sampling: Sampling) -> Generation:
        return Generation(str(answer), "error" if answer.refusal else "stop", 1, 1, answer.refusal)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Any, sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        raise AssertionError("it has a stream")

    def stream(self) -> ServerStream:
        self.opened = ServerStream(self, self.concurrency, self.tries)
        return self.opened

    def go_on_when_stopped(self) -> None:
        assert self.opened._stop.wait(FOREVER)
        self.go.set()


def submit(stream: ServerStream | CachedStream, *prompts: str) -> None:
    for number, prompt in enumerate(prompts):
        stream.submit(number, prompt, SHORT)


def all_of(stream: ServerStream) -> Answers:
    found: Answers = []
    while answers := stream.finished():
        found += answers
    return found


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + FOREVER
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def long_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_atlas.models.server.FIRST_WAIT", FOREVER)
    monkeypatch.setattr("persona_atlas.models.server.LONGEST_WAIT", 2 * FOREVER)


@pytest.fixture
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_atlas.models.server.LONGEST_WAIT", 0.002)


@pytest.fixture
def no_outages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that seems to be out of order is not waited for."""
    monkeypatch.setattr("persona_atlas.models.server.OUTAGE", 0.0)


@pytest.mark.parametrize("kinds", [["refuse"], ["refuse", "refuse", "fail"]])
@pytest.mark.parametrize("concurrency", [1, MOST_LOST + 4])
def test_a_server_that_answers_none_of_its_first_prompts_is_given_up(kinds: list[str], concurrency: int) -> None:
    server = Server(concurrency=concurrency)
    stream = server.stream()
    first = max(MOST_LOST, concurrency)
    submit(stream, *[f"{kinds[number % len(kinds)]} {number}" for number in range(100)])
    with pytest.raises(ModelError, match=rf"The backend server answered none of its first {first} prompts, so check --model_args\. "):
        all_of(stream)
    stream.close()


@pytest.mark.parametrize("fine", ["hello", "long"])
def test_a_server_that_refuses_some_is_kept(fine: str) -> None:
    stream = Server(concurrency=1).stream()
    submit(stream, *["refuse"] * (MOST_LOST - 1), fine, *["hello"] * 2, *["refuse"] * 20)
    assert len(all_of(stream)) == MOST_LOST + 22
    stream.close()


def test_what_was_answered_is_given_before_the_server_is_told_to_be_gone(no_outages: None) -> None:
    server = Server(concurrency=1)
    stream = server.stream()
    submit(stream, "hello", *["fail"] * MOST_LOST, *["hello"] * 3)
    until(lambda: stream._done.qsize() == MOST_LOST + 4)
    assert [generation.text for _, generation in stream.finished()] == ["hello!", *[""] * (MOST_LOST - 1), *["hello!"] * 3]
    with pytest.raises(ModelError, match=r"server stopped answering \(ConnectionError: no route\)"):
        stream.finished()
    stream.close()


def test_an_outage_is_waited_out_and_costs_few_prompts(short_rests: None) -> None:
    server = Server(tries=2, concurrency=16)
    server.down_after, server.down_for = 20, 500
    stream = server.stream()
    submit(stream, *["hello"] * 400)
    found = all_of(stream)
    assert len(found) == 400
    lost = sum(generation.finish_reason == "error" for _, generation in found)
    assert MOST_LOST < lost < 4 * 16  # 31 until it is noticed, and a few as it begins and ends
    stream.close()


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_a_server_is_gone_if_as_many_are_lost_in_a_row_as_fit_its_requests(concurrency: int, no_outages: None) -> None:
    most = max(MOST_LOST, 2 * concurrency)
    server = Server(concurrency=concurrency)
    server.down_after, server.down_for = concurrency, most - 1
    stream = server.stream()
    submit(stream, *["hello"] * (4 * most))
    assert sum(generation.finish_reason == "error" for _, generation in all_of(stream)) == most - 1
    server.down_after, server.down_for = len(server.asked), 2 * most
    submit(stream, *["hello"] * (4 * most))
    with pytest.raises(ModelError, match="stopped answering"):
        all_of(stream)
    stream.close()


def refused_until(when: str | None) -> Exception:
    response = requests.Response()
    response.status_code = 429
    response.headers.update({} if when is None else {"retry-after": when})
    return requests.HTTPError("busy", response=response)


def test_waits_get_longer_from_a_second_on_up_to_a_limit() -> None:
    waits = [[pause(tries, refused_until(None), random.Random(seed)) for seed in range(100)] for tries in range(1, 9)]
    assert [round(min(some)) for some in waits] == [1, 2, 4, 8, 10, 10, 10, 10]
    assert [round(max(some)) for some in waits] == [2, 4, 8, 16, 20, 20, 20, 20]


@pytest.mark.parametrize(
    ("when", "least"),
    [
        ("7", 7),
        ("0", 1),
        ("86400", 60),
        pytest.param(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 60, id="in an hour"),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 1),
        ("Fri, 31 Dec 1999 23:59:59 -0000", 1),
        ("soon", 1),
        ("-5", 1),
        ("", 1),
    ],
)
def test_a_wait_is_no_shorter_than_what_the_server_asks_for_within_reason(when: str, least: int) -> None:
    assert least <= pause(1, refused_until(when), random.Random(0)) <= least + 1


def test_who_does_not_wait_gets_what_has_arrived() -> None:
    server = Server()
    stream = server.stream()
    assert stream.finished(wait=False) == []
    submit(stream, "wait")
    assert stream.finished(wait=False) == []
    server.go.set()
    until(lambda: bool(stream.finished(wait=False)))
    assert stream.finished(wait=False) == stream.finished() == stream.close() == []


def test_what_ends_while_the_stream_is_closed_is_kept(tmp_path: Path) -> None:
    server = Server()
    stream = CachedStream(server, ResponseCache(tmp_path / "answers.sqlite"))
    submit(stream, "hello", "wait 1", "wait 2", "wait 3", "never")
    until(lambda: len(server.asked) == 3)
    threading.Thread(target=server.go_on_when_stopped).start()
    assert sorted(number for number, _ in stream.close()) == [0, 1, 2]
    assert stream.finished() == []
    assert server.asked[3:] == []
    assert len(ResponseCache(tmp_path / "answers.sqlite")) == 3


def test_nothing_is_tried_again_once_the_stream_is_closed(long_rests: None) -> None:
    server = Server(tries=3)
    stream = server.stream()
    submit(stream, *["fail"] * 5)
    until(lambda: len(server.asked) == 2)
    started = time.monotonic()
    assert stream.close() == []
    assert time.monotonic() - started < FOREVER / 4
    assert server.asked == ["fail"] * 2
