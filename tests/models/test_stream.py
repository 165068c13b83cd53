"""Prompts that come one after another, by batches, through the cache, and really run on the embedded model."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from persona_atlas.models.cache import ResponseCache
from persona_atlas.models.openvino import TRIES, OpenVINOStream
from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.models.smol import load_smol
from persona_atlas.models.stream import BatchStream, CachedStream, Stream, cached_stream

SHORT = Sampling(max_gen_toks=4)


class Echo:
    """Answers with the prompt and how often it was asked."""

    name, fingerprint, context_length = "echo", "echo 1", None

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        self.asked.append(list(prompts))
        for index, prompt in reversed(list(enumerate(prompts))):
            failed = prompt == "fail"
            yield index, Generation("" if failed else f"{prompt}!", "error" if failed else "stop", 1, 2, "no" if failed else None)


def texts(stream: Stream) -> dict[int, str]:
    return {number: generation.text for number, generation in stream.finished()}


def test_a_batch_is_all_that_waits_for_one_sampling() -> None:
    model = Echo()
    stream = BatchStream(model)
    for number, (prompt, sampling) in enumerate([("a", SHORT), ("b", Sampling(9)), ("c", SHORT)]):
        stream.submit(number, prompt, sampling)
    assert [texts(stream) for _ in range(4)] == [{2: "c!"}, {0: "a!"}, {1: "b!"}, {}]
    assert model.asked == [["a", "c"], ["b"]]


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


def test_an_error_is_given_and_not_kept(tmp_path: Path) -> None:
    with cached_stream(Echo(), ResponseCache(tmp_path / "answers.sqlite")) as stream:
        stream.submit(0, "fail", SHORT)
        assert [generation.finish_reason for _, generation in stream.finished()] == ["error"]
    assert len(ResponseCache(tmp_path / "answers.sqlite")) == 0


def test_the_embedded_model_takes_a_prompt_while_another_is_being_answered() -> None:
    stream = load_smol().stream()
    stream.submit(0, "Tell me a long story.", Sampling(max_gen_toks=40))
    stream.submit(1, "Say hi.", Sampling(max_gen_toks=2))
    assert [number for number, _ in stream.finished()] == [1]
    stream.submit(2, "Say bye.", Sampling(max_gen_toks=3))
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
    """An OpenVINO pipeline, and the model around it, whose memory is full: it drops a request so many times before it answers."""

    context_length, name = 100, "dropping"

    def __init__(self, drops: int) -> None:
        self.drops, self.request_ids, self.added = drops, count(), 0
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
        return False

    def add_request(self, number: int, tokens: str, decoding: None) -> SimpleNamespace:
        self.added += 1
        status = SimpleNamespace(name="IGNORED" if self.added <= self.drops else "FINISHED")
        output = SimpleNamespace(generated_ids=[1, 2], finish_reason=SimpleNamespace(name="STOP"))
        return SimpleNamespace(get_status=lambda: status, read_all=lambda: [output])


@pytest.mark.parametrize(("drops", "said"), [(0, "answer"), (TRIES - 1, "answer"), (TRIES, "")])
def test_what_a_full_engine_drops_is_sent_again_some_times(drops: int, said: str) -> None:
    stream = OpenVINOStream(Dropping(drops))  # type: ignore[arg-type]
    stream.submit(7, "What is tea?", SHORT)
    ((number, generation),) = stream.finished()
    assert (number, generation.text) == (7, said)
    assert (generation.error is None) == bool(said)
