"""Any lm-eval backend by name: hf, vllm, local-chat-completions, openai-chat-completions, dummy, ...

    model = LMEvalModel("local-chat-completions", {"base_url": "http://localhost:8000/v1/chat/completions", "model": "qwen"})

lm-eval's backends answer a whole list at a time, so prompts are sent in chunks, and the answers of a chunk come when all of it is done.
A backend's own batching (`batch_size=`, `num_concurrent=`) works within a chunk.

lm-eval's `hf` and `vllm` do not say why an answer ended, and some servers do not either. There the finish reason is inferred (`ending.py`): from the
number of tokens that the server reports, or else from the text. Where neither is known, every answer counts as `stop`.

A prompt that a content filter refuses, or whose answer it withholds, has an empty answer that ended with `stop`, since it would be refused again.
"""

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from persona_atlas.models.ending import broken_off, reason_by_count, reason_by_text, reason_of
from persona_atlas.models.lmeval_api import ReportedAnswer, adapt, lost, reported
from persona_atlas.models.lmeval_backend import apply_template, build, fingerprint_of, has_chat_template, one_line
from persona_atlas.models.protocol import Generation, ModelError, Sampling, overflow, whole_number
from persona_atlas.models.server import MOST_LOST, ServerStream
from persona_atlas.models.stream import BatchStream, Stream
from persona_atlas.models.vllm_stream import VLLMStream

FIRST_CHUNK = 4  # small, so that a backend that can answer nothing is soon found out
CHUNK = 64
WIDE_CHUNK = 512  # for engines that schedule by themselves, and for `batch_size=auto`, where each call measures the batch size anew
_WIDE = {"vllm", "vllm-vlm", "sglang"}
_Sendable = tuple[int, Any, int | None]  # index, context, tokens of the prompt


class LMEvalModel:
    """A `LanguageModel` on the backend `lm_eval.api.registry.get_model(name)`, with `model_args` as in lm-eval's `--model_args`.

    Raises `ModelError` for a name that lm-eval does not know, and if the backend cannot be constructed.
    """

    def __init__(self, name: str, model_args: dict[str, Any] | None = None) -> None:
        model_args = dict(model_args or {})
        self.name = name
        self._concurrency = whole_number("num_concurrent", model_args.get("num_concurrent", 1), least=1)
        self.backend = build(name, model_args)
        adapt(self.backend)
        self._has_template = name != "dummy" and has_chat_template(self.backend)  # dummy would fetch a 32B model's tokenizer
        self._chunk = _chunk_size(name, str(model_args.get("batch_size", 1)))
        self._answered = self._refused = 0
        self._lost = 0
        self._told_of_filter = False
        self.context_length: int | None = self._checked_context_length()
        self.fingerprint = fingerprint_of(name, model_args, self.backend, self._has_template)

    def count_tokens(self, text: str) -> int:
        """The backend's own count, or a quarter of the bytes, rounded up, if it has no tokenizer."""
        tokens = self._tokens(text, add_special_tokens=False)
        return -(-len(text.encode(errors="replace")) // 4) if tokens is None else tokens

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        """Yield the answers chunk by chunk. A prompt that a server refuses (HTTP 400, 413, 422) yields a `Generation` with an error; one that it
        refuses for its content, an empty answer.

        The backend retries other failures (a timeout, HTTP 429 or 500, a dropped connection) with back-off. If they persist, the chunk's prompts are
        asked and answered one by one, and each that fails by itself yields a `Generation` with an error. Raises `ModelError` if a chunk fails before
        the first answer, if MOST_LOST prompts in a row fail by themselves, or if FIRST_CHUNK prompts are refused before the first answer, and not for
        their content or length.
        """
        sendable: list[_Sendable] = []
        for index, prompt in enumerate(prompts):
            found = self.context(prompt, sampling)
            if isinstance(found, Generation):
                yield index, found
            else:
                sendable.append((index, *found))
        start = 0
        while start < len(sendable):
            chunk = sendable[start : start + (self._chunk if self._answered else FIRST_CHUNK)]
            start += len(chunk)
            for part, answers in self._ask(chunk, sampling):
                self._check_first(answers)
                for (index, _, tokens), answer in zip(part, answers, strict=True):
                    yield index, self.generation(answer, tokens, sampling)

    def stream(self) -> Stream:
        """The stream that suits the backend: into vLLM's running batch, `num_concurrent` prompts at a time to a server, else batch by batch."""
        if hasattr(getattr(self.backend, "model", None), "llm_engine"):
            return VLLMStream(self)
        if hasattr(self.backend, "model_call") and hasattr(self.backend, "parse_generations"):
            return ServerStream(self, self._concurrency, int(getattr(self.backend, "max_retries", 3)))
        return BatchStream(self)

    def context(self, prompt: str, sampling: Sampling) -> tuple[Any, int | None] | Generation:
        """What the backend is sent for a prompt, and its number of tokens if known; or the answer, for a prompt that is not sent."""
        context = self._as_context(prompt)
        tokens = self._tokens(context) if isinstance(context, str) else None
        return self._refusal(prompt, tokens, sampling) or (context, tokens)

    def _check_first(self, answers: list[ReportedAnswer]) -> None:
        refusals = [answer.refusal for answer in answers if answer.no_prompts_fault]
        self._answered += sum(answer.refusal is None for answer in answers)
        self._refused += len(refusals)
        if refusals and not self._answered and self._refused >= FIRST_CHUNK:
            raise ModelError(f"The backend {self.name} refused its first {self._refused} prompts, so check --model_args. {refusals[0]}")

    def _ask(self, chunk: list[_Sendable], sampling: Sampling) -> Iterator[tuple[list[_Sendable], list[ReportedAnswer]]]:
        """Yield the chunk with its answers; or if the backend fails on it, prompt by prompt, so that no answer is lost when it fails again."""
        answers = self._answers([context for _, context, _ in chunk], sampling)
        if answers is not None:
            yield chunk, answers
            return
        for sendable in chunk:
            yield from self._ask([sendable], sampling)

    def _answers(self, contexts: list[Any], sampling: Sampling) -> list[ReportedAnswer] | None:
        """The answers, or `None` if the backend failed on several prompts. Raises ModelError if it is taken to be gone."""
        from lm_eval.api.instance import Instance

        drawing: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        kwargs = {"max_gen_toks": sampling.max_gen_toks, "temperature": sampling.temperature, "do_sample": sampling.temperature > 0}
        if self.name.startswith("vllm"):
            kwargs["seed"] = sampling.seed
        elif hasattr(self.backend, "_seed"):
            self.backend._seed = sampling.seed
        elif sampling.temperature > 0 and "torch" in sys.modules:
            drawing = _torch_draws_from(sampling.seed)
        requests = [Instance("generate_until", {}, (context, {"until": [], **kwargs}), index) for index, context in enumerate(contexts)]
        try:
            with drawing, contextlib.redirect_stderr(io.StringIO()):  # hides a progress bar per chunk, which API backends draw even when told not to
                answers: list[str] = self.backend.generate_until(requests)
        except Exception as error:  # the boundary: backends raise what they like
            if not self._answered or (len(contexts) == 1 and self._lost + 1 >= MOST_LOST):
                raise ModelError(f"The backend {self.name} stopped answering ({one_line(error)}): mend that and resume.") from error
            if len(contexts) == 1:
                self._lost += 1
                return [lost(f"The backend {self.name} failed on the prompt ({one_line(error)}).")]
            return None
        self._lost = 0
        return [reported(answer) for answer in answers]

    def _as_context(self, prompt: str) -> Any:
        """What `generate_until` takes: text, or for chat servers lm-eval's JSON string of messages."""
        return apply_template(self.backend, prompt) if self._has_template else prompt

    def _tokens(self, text: str, **options: bool) -> int | None:
        """The number of tokens in `text`, or `None` if there is no tokenizer: the `tok_encode` of chat servers returns its argument."""
        encode = getattr(self.backend, "tok_encode", None)
        tokens = encode(text, **options) if encode else None
        return len(tokens) if isinstance(tokens, list) and all(isinstance(token, int) for token in tokens) else None

    def _checked_context_length(self) -> int | None:
        """The backend's `max_length` if it would silently truncate prompts to it, else `None`: then prompts are not checked here."""
        sends_text = getattr(self.backend, "tokenized_requests", True) is False
        limit = getattr(self.backend, "max_length", None)
        return limit if isinstance(limit, int) and not sends_text and self._tokens("hello") is not None else None

    def _refusal(self, prompt: str, tokens: int | None, sampling: Sampling) -> Generation | None:
        if not self._has_template and not prompt.strip():
            return Generation("", "error", tokens, None, f"The prompt is blank, and {self.name} has no chat template to put around it.")
        if tokens is None or self.context_length is None or tokens + sampling.max_gen_toks <= self.context_length:
            return None
        return overflow(self, tokens, sampling, ": where the model can take more, say so with max_length=")

    def generation(self, answer: ReportedAnswer, prompt_tokens: int | None, sampling: Sampling) -> Generation:
        """The `Generation` of a backend's answer. One that a fault of the server broke off is an error, as a refusal is. Where a content filter has
        refused the prompt or withheld the answer, the answer is empty.

        An answer that seems cut off by its text has as many tokens as are allowed: encoded again, it may have fewer than were generated.
        """
        if answer.no_prompts_fault or answer.overflows:
            return Generation("", "context_overflow" if answer.overflows else "error", prompt_tokens, None, answer.refusal)
        prompt_tokens, limit, text = answer.prompt_tokens or prompt_tokens, sampling.max_gen_toks, str(answer)
        if answer.filtered:
            self._tell_of_filter(answer)
            return Generation("", "stop", prompt_tokens, answer.answer_tokens)
        if broken_off(answer.finish_reason):
            why = f"{self.name} gave the prompt up before its answer ended ({answer.finish_reason})."
            return Generation("", "error", prompt_tokens, None, why)
        count = answer.answer_tokens if answer.answer_tokens is not None else self._tokens(text, add_special_tokens=False)
        if answer.finish_reason is not None:
            return Generation(text, reason_of(answer.finish_reason), prompt_tokens, count)
        if count is None:
            return Generation(text, "stop", prompt_tokens, None)
        if answer.answer_tokens is not None:
            return Generation(text, reason_by_count(count, limit), prompt_tokens, count)
        reason = reason_by_text(text, count, limit)
        return Generation(text, reason, prompt_tokens, limit if reason == "length" else count)

    def _tell_of_filter(self, answer: ReportedAnswer) -> None:
        """Warn of the first answer that a content filter leaves empty, since an answer's record does not say why it is empty."""
        if not self._told_of_filter:
            self._told_of_filter = True
            why = answer.refusal or f"The answer ended with {answer.finish_reason}."
            warnings.warn(f"{self.name} has a content filter. What it withholds counts as an empty answer. The first: {why}", stacklevel=3)


def _chunk_size(name: str, batch_size: str) -> int:
    if name in _WIDE or batch_size.startswith("auto"):
        return WIDE_CHUNK
    return max(CHUNK, int(batch_size)) if batch_size.isdigit() else CHUNK


@contextlib.contextmanager
def _torch_draws_from(seed: int) -> Iterator[None]:
    """Seed torch inside the block and restore its state afterwards, because training in the same process draws from it, too."""
    torch = sys.modules["torch"]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
