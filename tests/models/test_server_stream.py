"""A stream to a server, on a stand-in for lm-eval's backend: what refuses everything, what ends while it is being answered, and who does not wait."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity

from persona_atlas.models.cache import ResponseCache
from persona_atlas.models.lmeval_api import ReportedAnswer, lost
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.server import MOST_LOST, ServerStream
from persona_atlas.models.stream import Answers, CachedStream

SHORT = Sampling(max_gen_toks=4)
FOREVER = 60.0


class Server:
    """The model and its backend: "refuse" is refused, "long" is too long, "fail" fails, "wait" waits to be let go, all else is answered at once."""

    name, fingerprint, context_length = "server", "server 1", None

    def __init__(self, tries: int = 1, concurrency: int = 2) -> None:
        self.tries, self.concurrency = tries, concurrency
        self.asked: list[str] = []
        self.go = threading.Event()
        self.backend = SimpleNamespace(model_call=self.model_call, parse_generations=lambda outputs, contexts: outputs)

    def model_call(self, messages: list[str], **options: Any) -> list[ReportedAnswer]:
        (prompt,) = messages
        self.asked.append(prompt)
        kind = prompt.split()[0]
        if kind == "wait":
            assert self.go.wait(FOREVER)
        if kind == "fail":
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
    monkeypatch.setattr(tenacity, "wait_random_exponential", lambda **_: tenacity.wait_fixed(FOREVER))


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


def test_what_was_answered_is_given_before_the_server_is_told_to_be_gone() -> None:
    server = Server(concurrency=1)
    stream = server.stream()
    submit(stream, "hello", *["fail"] * MOST_LOST, *["hello"] * 3)
    until(lambda: stream._done.qsize() == MOST_LOST + 4)
    assert [generation.text for _, generation in stream.finished()] == ["hello!", *[""] * (MOST_LOST - 1), *["hello!"] * 3]
    with pytest.raises(ModelError, match=r"server stopped answering \(ConnectionError: no route\)"):
        stream.finished()
    stream.close()


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
