"""A stream into vLLM's running batch, on a stand-in for its engine: nothing here needs vLLM."""

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from persona_atlas.models.lmeval_api import ReportedAnswer
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.server import MOST_LOST
from persona_atlas.models.vllm_stream import VLLMStream


@dataclass
class Engine:
    """Answers with what it was sent, in so many steps as the answer may have tokens."""

    waiting: dict[str, tuple[list[int], Any]] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    dead: bool = False
    ends: str = "stop"

    def add_request(self, request: str, prompt: dict[str, list[int]], parameters: Any) -> None:
        if 13 in prompt["prompt_token_ids"]:
            raise ValueError("13 is no token")
        self.waiting[request], self.steps[request] = (prompt["prompt_token_ids"], parameters), 0

    def step(self) -> list[Any]:
        if self.dead:
            raise RuntimeError("out of\nmemory")
        done = []
        for request, (tokens, parameters) in list(self.waiting.items()):
            self.steps[request] += 1
            finished = self.steps[request] == parameters.max_tokens
            ends = "length" if len(tokens) > 1 else self.ends
            said = SimpleNamespace(text=f"said {tokens}", token_ids=[1] * self.steps[request], finish_reason=ends)
            done.append(SimpleNamespace(request_id=request, finished=finished, prompt_token_ids=tokens, outputs=[said]))
            if finished:
                del self.waiting[request]
        return done

    def abort_request(self, requests: list[str]) -> None:
        if self.dead:
            raise RuntimeError("dead")
        self.aborted += requests


class Model:
    """The model around the engine: a word is a token, its length."""

    name = "vllm"

    def __init__(self) -> None:
        self.engine = Engine()
        self.backend = SimpleNamespace(model=SimpleNamespace(llm_engine=self.engine), tok_encode=lambda text: [len(word) for word in text.split()])

    def context(self, prompt: str, sampling: Sampling) -> tuple[Any, int | None] | Generation:
        return Generation("", "context_overflow", 99, None, "too long") if prompt == "long" else (prompt, None)

    def generation(self, answer: ReportedAnswer, prompt_tokens: int | None, sampling: Sampling) -> Generation:
        raise AssertionError("the engine tells all that there is to tell")


@pytest.fixture(autouse=True)
def vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(SamplingParams=lambda **settings: SimpleNamespace(**settings)))


def test_prompts_join_the_running_batch_and_come_back_as_they_finish() -> None:
    model = Model()
    stream = VLLMStream(model)
    stream.submit(0, "one two", Sampling(3, 0.5, 7))
    stream.submit(1, "four", Sampling(1))
    assert stream.finished() == [(1, Generation("said [4]", "stop", 1, 1))]
    stream.submit(1, "long", Sampling(1))
    assert stream.finished() == [(1, Generation("", "context_overflow", 99, None, "too long"))]
    assert stream.finished() == [(0, Generation("said [3, 3]", "length", 2, 3))]
    assert stream.finished() == []


def test_each_prompt_has_its_own_settings() -> None:
    model = Model()
    stream = VLLMStream(model)
    stream.submit(0, "one", Sampling(3, 0.5, 7))
    ((_, parameters),) = model.engine.waiting.values()
    assert vars(parameters) == {"max_tokens": 3, "temperature": 0.5, "seed": 7}


def test_what_is_unanswered_is_taken_back() -> None:
    model = Model()
    stream = VLLMStream(model)
    stream.submit(5, "one", Sampling(3))
    stream.close()
    assert model.engine.aborted == ["0"]
    assert stream.finished() == []


def test_an_engine_that_dies_is_told_in_one_sentence() -> None:
    model = Model()
    stream = VLLMStream(model)
    stream.submit(0, "one", Sampling(3))
    model.engine.dead = True
    with pytest.raises(ModelError, match=r"vllm stopped answering \(RuntimeError: out of memory\): mend that and resume"):
        stream.finished()
    assert stream.close() == []


def test_a_prompt_that_the_engine_refuses_costs_no_other() -> None:
    stream = VLLMStream(Model())
    stream.submit(0, "one", Sampling(2))
    stream.submit(1, "thirteenthirt", Sampling(2))
    why = "vllm does not take the prompt (ValueError: 13 is no token)."
    assert stream.finished() == [(1, Generation("", "error", 1, None, why))]
    assert stream.finished() == [(0, Generation("said [3]", "stop", 1, 2))]


def test_an_engine_that_refuses_every_prompt_is_told_in_one_sentence() -> None:
    stream = VLLMStream(Model())
    for number in range(MOST_LOST - 1):
        stream.submit(number, "thirteenthirt", Sampling(3))
    with pytest.raises(ModelError, match=r"vllm takes no prompt any more \(ValueError: 13 is no token\): mend that and resume"):
        stream.submit(MOST_LOST, "thirteenthirt", Sampling(3))
    assert len(stream.close()) == MOST_LOST - 1


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_an_answer_that_the_engine_broke_off_is_an_error(reason: str) -> None:
    model = Model()
    model.engine.ends = reason
    stream = VLLMStream(model)
    stream.submit(0, "one", Sampling(2))
    why = f"vllm gave the prompt up before its answer ended ({reason})."
    assert stream.finished() == [(0, Generation("", "error", 1, None, why))]


def test_the_engine_makes_one_step_where_nobody_waits() -> None:
    model = Model()
    stream = VLLMStream(model)
    assert stream.finished(wait=False) == []
    stream.submit(0, "one", Sampling(3))
    assert [len(stream.finished(wait=False)) for _ in range(4)] == [0, 0, 1, 0]
