"""The protocol of every language model here: prompts in, `(index, Generation)` out as each finishes.

    for index, generation in model.generate(["Say hello.", "Count to three."], Sampling(max_gen_toks=40)):
        ...   # 1, Generation(text="1, 2, 3", finish_reason="stop", prompt_tokens=34, answer_tokens=8, error=None)

A prompt is one user message in plain text, to which the model applies its own chat template. A problem with a single prompt yields a `Generation`
with an `error`; a problem with the model as a whole raises a `ModelError`. That a server's content filter refuses a prompt is no such problem, but
the answer to it: empty, ended with "stop".
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

FinishReason = Literal["stop", "length", "context_overflow", "error"]


class ModelError(ValueError):
    """One sentence for the user: what was found, what was wanted, what to type next."""


@dataclass(frozen=True)
class Sampling:
    """How to decode: at most `max_gen_toks` new tokens; greedily at `temperature` 0, else with `seed`."""

    max_gen_toks: int = 320
    temperature: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_gen_toks < 1:
            raise ModelError(f"max_gen_toks is {self.max_gen_toks}, but an answer needs at least 1 token: pass 1 or more.")
        if self.temperature < 0:
            raise ModelError(f"temperature is {self.temperature}, but it cannot be negative: pass 0 for greedy decoding.")


class Token(NamedTuple):
    """A token of an answer: its text, and the natural logarithm of the probability that the model gave it there."""

    text: str
    logprob: float


@dataclass(frozen=True)
class Generation:
    """One answer. Token counts are the model's own, `None` if the backend does not report them.

    `prompt_tokens` includes the chat template, and `answer_tokens` the closing end-of-turn token if the engine counts it. For "context_overflow" and
    "error", `text` is empty and `error` says why in one sentence. `tokens` is empty unless the model was loaded with `logprobs=1`, and is not cached.
    """

    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None
    answer_tokens: int | None
    error: str | None = None
    tokens: tuple[Token, ...] = ()


class LanguageModel(Protocol):
    """A frozen language model. `fingerprint` identifies everything that determines its answers besides prompt and sampling."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """Engine and version, hash of the weights, chat template. Models with equal fingerprints may share cached answers."""
        ...

    @property
    def context_length(self) -> int | None:
        """The most tokens of prompt and answer together, or `None` if the backend does not say."""
        ...

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        """Yield one `(index into prompts, Generation)` per prompt, in the order in which they finish.

        Raises `ModelError` if the model as a whole cannot answer. What was yielded before remains valid.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """The number of tokens in `text`, without the chat template; an estimate if the backend has no tokenizer."""
        ...


def overflow(model: LanguageModel, prompt_tokens: int, sampling: Sampling, remedy: str = "") -> Generation:
    """The `Generation` for a prompt that leaves no room for the answer in the model's context."""
    wanted = f"The prompt has {prompt_tokens} tokens, and with {sampling.max_gen_toks} for the answer that is more than"
    return Generation("", "context_overflow", prompt_tokens, None, f"{wanted} the {model.context_length} that {model.name} takes{remedy}.")


def encodable(text: str) -> str:
    """Replace each half of a surrogate pair, which broken JSON can bring and neither a tokenizer nor a file takes, with a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def whole_number(key: str, value: object, least: int = 0) -> int:
    """The value of the argument `key` as a number. Raises `ModelError` if it is no whole number, or less than `least`."""
    if not re.fullmatch("[0-9]{1,18}", str(value)) or int(str(value)) < least:
        raise ModelError(f"{key}={value} is no whole number of at least {least}: pass for example {key}=8.")
    return int(str(value))


def unknown_name(what: str, found: str, known: Iterable[str]) -> ModelError:
    """The error for a name that is not among `known`. It lists the nearest names, or all if none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(found, known, n=3, cutoff=0.5)
    return ModelError(f"There is no {what} {found!r}: " + (f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}."))
