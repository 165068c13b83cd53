"""Prompts that come one after another, by batches, through the cache, and really run on the embedded model."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from persona_atlas.models.cache import ResponseCache
from persona_atlas.models.openvino import TRIES, OpenVINOStream
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.smol import load_smol
from persona_atlas.models.stream import Answers, BatchStream, CachedStream, Stream, cached_stream

SHORT = Sampling(max_gen_toks=4)


class Echo:
    """Answers with the prompt and how often it was asked."""

    name, fingerprint, context_length = "echo", "echo 1", None

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.samplings: list[Sampling] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        self.asked.append(list(prompts))
        self.samplings.append(sampling)
        for index, prompt in reversed(list(enumerate(prompts))):
            if prompt in ("error", "context_overflow"):
                yield index, Generation("", prompt, 1, None, "no")  # type: ignore[arg-type]
            else:
                yield index, Generation(f"{prompt}!", "stop", 1, 2)


def texts(stream: Stream) -> dict[int, str]:
    return {number: generation.text for number, generation in stream.finished()}


def test_a_batch_is_all_that_waits_for_one_sampling() -> None:
    model = Echo()
    stream = BatchStream(model)
    for number, (prompt, sampling) in enumerate([("a", SHORT), ("b", Sampling(9)), ("c", SHORT)]):
        stream.submit(number, prompt, sampling)
    assert [texts(stream) for _ in range(4)] == [{2: "c!"}, {0: "a!"}, {1: "b!"}, {}]
    assert model.asked == [["a", "c"], ["b"]]


def test_a_batch_has_one_length_and_temperature_and_the_seed_that_waits_longest() -> None:
    model = Echo()
    stream = BatchStream(model)
    samplings = [Sampling(4, 0.8, 7), Sampling(4, 0.8, 3), Sampling(4, 0.5, 7), Sampling(5, 0.8, 7), Sampling(4, 0.8, 9)]
    for number, sampling in enumerate(samplings):
        stream.submit(number, str(number), sampling)
    while stream.finished():
        pass
    assert model.asked == [["0", "1", "4"], ["2"], ["3"]]
    assert model.samplings == [Sampling(4, 0.8, 7), Sampling(4, 0.5, 7), Sampling(5, 0.8, 7)]


def test_a_batch_is_answered_without_waiting_for_it_too() -> None:
    stream = BatchStream(Echo())
    assert stream.finished(wait=False) == []
    stream.submit(0, "a", SHORT)
    assert [number for number, _ in stream.finished(wait=False)] == [0]


class Slow:
    """A model whose stream has an answer at the second look, or when it is closed."""

    name, fingerprint, context_length = "slow", "slow 1", None

    def __init__(self) -> None:
        self.waits: list[bool] = []
        self.asked: list[int] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        raise AssertionError("it has a stream")

    def stream(self) -> "Slow":
        return self

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self.asked.append(number)

    def finished(self, wait: bool = True) -> Answers:
        self.waits.append(wait)
        return self.close() if wait or len(self.waits) > 1 else []

    def close(self) -> Answers:
        asked, self.asked = self.asked, []
        return [(number, Generation("late", "stop", 1, 1)) for number in asked]


def test_the_cache_does_not_wait_where_nobody_wants_it_to(tmp_path: Path) -> None:
    model = Slow()
    stream = CachedStream(model, ResponseCache(tmp_path / "answers.sqlite"))
    stream.submit(5, "a", SHORT)
    assert [stream.finished(wait=False) for _ in range(3)] == [[], [(5, Generation("late", "stop", 1, 1))], []]
    stream.submit(5, "b", SHORT)
    stream.finished()
    assert model.waits == [False, False, True]


def test_what_was_answered_when_the_stream_ends_is_kept(tmp_path: Path) -> None:
    stream = CachedStream(Slow(), ResponseCache(tmp_path / "answers.sqlite"))
    for number, prompt in enumerate(["a", "b", "a"]):
        stream.submit(number, prompt, SHORT)
    assert sorted(number for number, _ in stream.close()) == [0, 1, 2]
    assert len(ResponseCache(tmp_path / "answers.sqlite")) == 2


def test_half_a_surrogate_pair_is_replaced_whether_fresh_or_known(tmp_path: Path) -> None:
    for _ in range(2):
        stream = CachedStream(Echo(), ResponseCache(tmp_path / "answers.sqlite"))
        stream.submit(1, "\ud83d", SHORT)
        assert texts(stream) == {1: "?!"}


def test_what_is_known_or_in_hand_is_not_asked_again(tmp_path: Path) -> None:
    model, cache = Echo(), ResponseCache(tmp_path / "answers.sqlite")
    stream = CachedStream(model, cache)
    for number, prompt in enumerate(["a", "a", "b"]):
        stream.submit(number, prompt, SHORT)
    assert [texts(stream), texts(stream)] == [{2: "b!"}, {0: "a!", 1: "a!"}]
    stream.submit(0, "b", SHORT)
    assert texts(stream) == {0: "b!"}
    assert (stream.generated, stream.hits, stream.generated_tokens, model.asked) == (2, 2, 4, [["a", "b"]])
    again = CachedStream(model, ResponseCache(tmp_path / "answers.sqlite"))
    again.submit(5, "a", SHORT)
    assert (texts(again), again.generated) == ({5: "a!"}, 0)


@pytest.mark.parametrize("reason", ["error", "context_overflow"])
def test_why_there_is_no_answer_is_given_and_not_kept(reason: str, tmp_path: Path) -> None:
    with cached_stream(Echo(), ResponseCache(tmp_path / "answers.sqlite")) as stream:
        stream.submit(0, reason, SHORT)
        assert [generation.finish_reason for _, generation in stream.finished()] == [reason]
    assert len(ResponseCache(tmp_path / "answers.sqlite")) == 0


def test_the_embedded_model_takes_a_prompt_while_another_is_being_answered() -> None:
    stream = load_smol().stream()
    stream.submit(0, "Tell me a long story.", Sampling(max_gen_toks=40))
    stream.submit(1, "Say hi.", Sampling(max_gen_toks=2))
    assert [number for number, _ in stream.finished()] == [1]
    stream.submit(2, "Say bye.", Sampling(max_gen_toks=3))
    assert stream.finished(wait=False) == []
    stream.submit(3, "word " * 9000, SHORT)
    assert [number for number, _ in stream.finished()] == [3]
    assert [number for number, _ in stream.finished()] == [2]
    assert len(stream) == 1
    stream.close()
    assert stream.finished() == []


@pytest.mark.parametrize("prompts", [[], ["a"]])
def test_an_idle_stream_gives_nothing(prompts: list[str]) -> None:
    stream = BatchStream(Echo())
    for number, prompt in enumerate(prompts):
        stream.submit(number, prompt, SHORT)
    assert texts(stream) == {number: f"{prompt}!" for number, prompt in enumerate(prompts)}
    assert texts(stream) == {}


class Dropping:
    """An OpenVINO pipeline, and the model around it, whose memory is full: it drops a request so many times before it answers.

    An answer takes so many steps; the engine fails in a step or takes no request where it is told to.
    """

    context_length, name = 100, "dropping"

    def __init__(self, drops: int, steps: int = 0) -> None:
        self.drops, self.steps, self.request_ids, self.added = drops, steps, count(), 0
        self.dead = self.full = False
        self.logprobs = 0
        self.cancelled = 0
        self.pipeline = self.tokenizer = self

    def apply_chat_template(self, chat: list[dict[str, str]], add_generation_prompt: bool) -> str:
        return chat[0]["content"]

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def encode(self, text: str, add_special_tokens: bool) -> SimpleNamespace:
        return SimpleNamespace(input_ids=text)

    def decode(self, tokens: list[int]) -> str:
        return "answer"

    def decoding(self, sampling: Sampling) -> None:
        return None

    def has_non_finished_requests(self) -> bool:
        return self.steps > 0

    def step(self) -> None:
        if self.dead:
            raise RuntimeError("Check failed:\nout of memory")
        self.steps -= 1

    def add_request(self, number: int, tokens: str, decoding: None) -> SimpleNamespace:
        if self.full:
            raise RuntimeError("no request any more")
        self.added += 1
        ended = "IGNORED" if self.added <= self.drops else "FINISHED"
        output = SimpleNamespace(generated_ids=[1, 2], finish_reason=SimpleNamespace(name="STOP"))
        return SimpleNamespace(
            get_status=lambda: SimpleNamespace(name="RUNNING" if self.steps > 0 else ended), read_all=lambda: [output], cancel=self.cancel
        )

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.mark.parametrize(("drops", "said"), [(0, "answer"), (TRIES - 1, "answer"), (TRIES, "")])
def test_what_a_full_engine_drops_is_sent_again_some_times(drops: int, said: str) -> None:
    stream = OpenVINOStream(Dropping(drops))  # type: ignore[arg-type]
    stream.submit(7, "What is tea?", SHORT)
    ((number, generation),) = stream.finished()
    assert (number, generation.text) == (7, said)
    assert (generation.error is None) == bool(said)


class Crowded(Dropping):
    """One that gives up all requests that it holds if there are too many, whatever it has tried with them, and otherwise answers one a step."""

    def __init__(self, capacity: int) -> None:
        super().__init__(0)
        self.capacity, self.held, self.overflows = capacity, list[SimpleNamespace](), 0

    def has_non_finished_requests(self) -> bool:
        return bool(self.held)

    def step(self) -> None:
        crowded = len(self.held) > self.capacity
        self.overflows += crowded
        assert self.overflows < 1000, "the same requests come again and again"
        for request in self.held if crowded else self.held[:1]:
            request.ended = "IGNORED" if crowded else "FINISHED"
        self.held = [request for request in self.held if request.ended == "RUNNING"]

    def add_request(self, number: int, tokens: str, decoding: None) -> SimpleNamespace:
        output = SimpleNamespace(generated_ids=[1, 2], finish_reason=SimpleNamespace(name="STOP"))
        request = SimpleNamespace(ended="RUNNING", read_all=lambda: [output], cancel=self.cancel)
        request.get_status = lambda: SimpleNamespace(name=request.ended)
        self.held.append(request)
        return request


@pytest.mark.parametrize("capacity", [1, 3, 100])
def test_what_is_too_much_for_the_engine_at_once_is_all_answered_in_the_end(capacity: int) -> None:
    engine, answered = Crowded(capacity), list[int]()
    stream = OpenVINOStream(engine)  # type: ignore[arg-type]
    for number in range(64):
        stream.submit(number, "What is tea?", SHORT)
    for _ in range(1000):
        answered += [number for number, generation in stream.finished() if generation.error is None]
    assert sorted(answered) == list(range(64))
    assert len(stream) == 0
    assert engine.overflows <= {1: 70, 3: 25, 100: 0}[capacity], "the engine was overfilled too often"


def test_a_prompt_that_is_too_much_by_itself_is_given_up_and_takes_no_other_with_it() -> None:
    stream = OpenVINOStream(Crowded(0))  # type: ignore[arg-type]
    for number in range(3):
        stream.submit(number, "What is tea?", SHORT)
    found = [generation for _ in range(10) for _, generation in stream.finished()]
    assert [generation.finish_reason for generation in found] == ["error"] * 3


def test_the_embedded_engine_makes_one_step_where_nobody_waits() -> None:
    stream = OpenVINOStream(Dropping(0, steps=3))  # type: ignore[arg-type]
    assert stream.finished(wait=False) == []
    stream.submit(7, "What is tea?", SHORT)
    assert [len(stream.finished(wait=False)) for _ in range(4)] == [0, 0, 1, 0]


def test_an_embedded_engine_that_fails_is_told_in_one_sentence() -> None:
    engine = Dropping(0, steps=3)
    stream = OpenVINOStream(engine)  # type: ignore[arg-type]
    stream.submit(7, "What is tea?", SHORT)
    engine.dead = engine.full = True
    with pytest.raises(ModelError, match=r"dropping stopped answering \(RuntimeError: Check failed: out of memory\): mend that and resume"):
        stream.finished()
    with pytest.raises(ModelError, match=r"dropping stopped answering \(RuntimeError: no request any more\)"):
        stream.submit(8, "What is tea?", SHORT)
    assert (engine.cancelled, stream.close()) == (1, [])


def test_an_embedded_engine_that_fails_keeps_what_it_answered() -> None:
    engine = Dropping(0)
    stream = OpenVINOStream(engine)  # type: ignore[arg-type]
    stream.submit(7, "What is tea?", SHORT)
    engine.added, engine.drops = 0, 1
    stream.submit(8, "What is milk?", SHORT)
    engine.full = True
    with pytest.raises(ModelError, match="no request any more"):
        stream.finished()
    assert [(number, generation.text) for number, generation in stream.close()] == [(7, "answer")]
