"""OpenVINO GenAI on a GGUF file: the embedded engine, with continuous batching on the CPU and without torch.

    model = OpenVINOModel("qwen2.5-0.5b-instruct-q8_0.gguf")
    for index, generation in model.generate(prompts, Sampling(max_gen_toks=160)): ...

It reads F16, Q8_0, Q4_0, Q4_1 and Q4_K_M matrices of Llama and Qwen models. Greedy answers depend a little on what else is in the batch, because
sums differ in the last bit: a third of the answers of 64 tokens differed somewhere when they were asked again alone. So keep answers in a
`ResponseCache`, or pass `precision=f32`, which is slower and makes such differences very rare.
"""

import contextlib
import itertools
import math
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from persona_atlas.models.digest import path_digest, text_digest
from persona_atlas.models.gguf import read_header
from persona_atlas.models.lmeval_backend import one_line
from persona_atlas.models.ordering import LeaderFirst
from persona_atlas.models.protocol import FinishReason, Generation, ModelError, Sampling, Token, encodable, overflow
from persona_atlas.models.stream import Answers

WINDOW = 256  # requests that the engine is given at a time: enough to keep its batch full, few enough to bound memory
TRIES = 5  # how many times a prompt is sent by itself that the engine drops even then
TOKENIZER_LIMIT = 8192  # the tokenizer made from a GGUF file silently truncates here, whatever max_length= says


@dataclass(frozen=True)
class EngineSettings:
    """How to run the engine.

    `cache_gb` is the memory for keys and values in GB, `max_num_seqs` the most sequences in a batch, and `context_length` the context in tokens (by
    default the file's; at most TOKENIZER_LIMIT). `precision="f32"` costs a third of the speed, and makes greedy answers almost independent of what
    else is asked, of the order, and of the machine; "fast" is the device's own choice (bf16 and 8-bit activations where it has them).
    `frequency_penalty` is subtracted from a token's logit for each time that the token is already in the answer. With `logprobs=1`, answers say how
    probable each of their tokens was.
    """

    device: str = "CPU"
    cache_gb: int = 4
    max_num_seqs: int = 64
    context_length: int | None = None
    precision: Literal["fast", "f32"] = "fast"
    frequency_penalty: float = 0.0
    logprobs: int = 0


_FAILURES = (RuntimeError, IndexError, ValueError, MemoryError)  # what C++ exceptions become in Python
_F32 = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}


class OpenVINOModel:
    """A `LanguageModel` on `openvino_genai.ContinuousBatchingPipeline`. Not for use from several threads at once.

    Raises `ModelError` if `path` is not a GGUF file that the engine can read.
    """

    def __init__(self, path: str | Path, *, name: str = "openvino", settings: EngineSettings | None = None) -> None:
        settings = settings or EngineSettings()
        self.path = Path(path).expanduser()
        header = read_header(self.path)
        self.name = name
        self.context_length = min(settings.context_length or header.context_length or TOKENIZER_LIMIT, TOKENIZER_LIMIT)
        self._engine = _import_engine()
        self._frequency_penalty = settings.frequency_penalty
        self.logprobs = settings.logprobs
        self.pipeline = self._start(settings)
        self.tokenizer = self.pipeline.get_tokenizer()
        self.request_ids = itertools.count()
        self.fingerprint = "|".join(
            (
                f"openvino-genai {self._engine.__version__} {settings.device} {settings.precision}",
                f"sha256:{path_digest(self.path)}",
                f"template:{text_digest(self.tokenizer.chat_template)}",
                f"context:{self.context_length}",
                *((f"frequency penalty:{settings.frequency_penalty}",) if settings.frequency_penalty else ()),
            )
        )

    def count_tokens(self, text: str) -> int:
        """The number of tokens in `text`, without special tokens. A text of `TOKENIZER_LIMIT` or more is counted in parts, a token or two off."""
        count = self.tokenizer.encode(encodable(text), add_special_tokens=False).input_ids.shape[1]
        if count < TOKENIZER_LIMIT:
            return count
        middle = len(text) // 2
        return self.count_tokens(text[:middle]) + self.count_tokens(text[middle:])

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        """Keep up to `WINDOW` requests in the engine, and yield each as it finishes. Of prompts with the same beginning, one goes first."""
        waiting, stream = LeaderFirst(prompts), self.stream()
        try:
            while waiting or len(stream):
                while waiting and len(stream) < WINDOW:
                    index = waiting.next()
                    stream.submit(index, prompts[index], sampling)
                for index, generation in stream.finished():
                    waiting.done(index)
                    yield index, generation
        finally:
            stream.close()

    def stream(self) -> "OpenVINOStream":
        """A stream that takes prompts at any time. A model has one stream at a time, and none while `generate` runs."""
        return OpenVINOStream(self)

    def decoding(self, sampling: Sampling) -> Any:
        """The engine's settings for one request."""
        config = self._engine.GenerationConfig(max_new_tokens=sampling.max_gen_toks)
        config.apply_chat_template = False  # the stream applies it, so that tokens can be counted before a prompt is sent
        config.frequency_penalty = self._frequency_penalty
        config.logprobs = self.logprobs
        if sampling.temperature > 0:
            config.do_sample, config.temperature, config.rng_seed = True, sampling.temperature, sampling.seed
        return config

    def _start(self, settings: EngineSettings) -> Any:
        scheduler = self._engine.SchedulerConfig()
        scheduler.cache_size = settings.cache_gb
        scheduler.max_num_seqs = settings.max_num_seqs
        scheduler.enable_prefix_caching = True
        try:
            with _stdout_silenced():
                properties = _F32 if settings.precision == "f32" else {}
                return self._engine.ContinuousBatchingPipeline(str(self.path), scheduler, settings.device, properties)
        except _FAILURES as error:
            reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
            raise ModelError(
                f"OpenVINO cannot run {self.path} on {settings.device} ({reason[0]}): it reads Llama and Qwen models in "
                "F16, Q8_0, Q4_0, Q4_1 or Q4_K_M; pass such a file as --model_args pretrained=FILE.gguf."
            ) from error


class OpenVINOStream:
    """A `Stream` on the pipeline's continuous batching. `len` is the number of prompts whose answers have not been given yet.

    When its memory is full, the engine gives up all requests that it holds. They are sent again, half as many at a time; as many answers
    later, one more. Even requests that wait for their turn can fill the memory, since they keep what the engine has already read of their beginnings.
    """

    def __init__(self, model: OpenVINOModel) -> None:
        self._model, self._pipeline, self._tokenizer = model, model.pipeline, model.tokenizer
        self._running: dict[int, _Request] = {}
        self._held: deque[tuple[int, _Request]] = deque()  # until the engine has room
        self._room = math.inf
        self._done: Answers = []

    def __len__(self) -> int:
        return len(self._running) + len(self._held) + len(self._done)

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        """Hand over a prompt. Raises ModelError if the engine fails."""
        chat = [{"role": "user", "content": encodable(prompt)}]
        context = self._tokenizer.apply_chat_template(chat, add_generation_prompt=True)
        prompt_tokens = self._model.count_tokens(context)
        if prompt_tokens + sampling.max_gen_toks > self._model.context_length:
            self._done.append((number, overflow(self._model, prompt_tokens, sampling)))
            return
        tokens = self._tokenizer.encode(encodable(context), add_special_tokens=False).input_ids
        self._held.append((number, _Request(tokens, self._model.decoding(sampling), prompt_tokens)))
        self._fill()

    def finished(self, wait: bool = True) -> Answers:
        """Step the engine until there is an answer, or without `wait` at most once. Raises ModelError if the engine fails."""
        while self._running and not self._done:
            self._step()
            self._collect()
            self._fill()
            if not wait:
                break
        return self._given()

    def close(self) -> Answers:
        """Cancel the unanswered prompts, which the engine drops in its next step, and return the answers that have not been given yet."""
        if self._running:
            self._collect()
            self._cancel()
            self._step()
        return self._given()

    def _given(self) -> Answers:
        found, self._done = self._done, []
        return found

    def _step(self) -> None:
        try:
            if self._pipeline.has_non_finished_requests():
                self._pipeline.step()
        except _FAILURES as error:
            self._cancel()
            raise self._failure(error) from error

    def _collect(self) -> None:
        ended = [number for number, request in self._running.items() if request.status != "RUNNING"]
        alone, dropped = len(self._running) == 1, []
        for number in ended:
            request = self._running.pop(number)
            request.tries += alone
            if request.status == "IGNORED" and request.tries < TRIES:
                dropped.append((number, request))
            else:
                self._done.append((number, self._generation(request)))
                self._room += 1 / self._room
        if dropped:
            self._room = max(1, (len(dropped) + len(self._running)) // 2)
            self._held.extendleft(reversed(dropped))

    def _fill(self) -> None:
        while self._held and len(self._running) + 1 <= self._room:
            self._send(*self._held.popleft())

    def _send(self, number: int, request: "_Request") -> None:
        try:
            request.handle = self._pipeline.add_request(next(self._model.request_ids), request.tokens, request.decoding)
        except _FAILURES as error:
            raise self._failure(error) from error
        self._running[number] = request

    def _cancel(self) -> None:
        for request in self._running.values():
            request.handle.cancel()
        self._running.clear()
        self._held.clear()

    def _failure(self, error: Exception) -> ModelError:
        return ModelError(f"The engine of {self._model.name} stopped answering ({one_line(error)}): mend that and resume.")

    def _generation(self, request: "_Request") -> Generation:
        if request.status != "FINISHED":
            error = f"The engine gave up a prompt of {request.prompt_tokens} tokens ({request.status}): give it more memory with cache_gb=12."
            return Generation("", "error", request.prompt_tokens, None, error)
        output = request.handle.read_all()[0]
        text = self._tokenizer.decode(output.generated_ids)
        finish_reason: FinishReason = "length" if output.finish_reason.name == "LENGTH" else "stop"
        return Generation(text, finish_reason, request.prompt_tokens, len(output.generated_ids), tokens=self._tokens(output))

    def _tokens(self, output: Any) -> tuple[Token, ...]:
        if not self._model.logprobs:
            return ()
        numbers = list(output.generated_ids)
        texts = list(self._tokenizer.decode([[number] for number in numbers], skip_special_tokens=False))
        for known, run in itertools.groupby(range(len(texts)), lambda place: bool(texts[place])):
            places = list(run)
            if not known:  # parts of characters, each of which decodes to nothing: the last one gets the text of all together
                whole = self._tokenizer.decode([numbers[place] for place in places], skip_special_tokens=False)
                texts[places[0] : places[-1] + 1] = [*[""] * (len(places) - 1), whole]
        return tuple(map(Token, texts, output.generated_log_probs))


@dataclass
class _Request:
    """What is sent to the engine, and sent again if it was dropped. `tries`: how many times the engine ended it while it held no other."""

    tokens: Any
    decoding: Any
    prompt_tokens: int
    handle: Any = None
    tries: int = 0

    @property
    def status(self) -> str:
        return str(self.handle.get_status().name)


def _import_engine() -> Any:
    try:
        import openvino_genai
    except ImportError as error:
        raise ModelError(f"OpenVINO GenAI cannot be imported ({error}): pip install openvino-genai.") from error
    return openvino_genai


@contextlib.contextmanager
def _stdout_silenced() -> Iterator[None]:
    """Discard what is written to file descriptor 1: the engine writes there from C++, and standard output is for `--json`."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
