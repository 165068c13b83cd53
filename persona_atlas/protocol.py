"""What an optimizer sees and what it returns.

The shortest optimizer is a module with one function:

    def optimize(request):
        return request.query + "\\n\\nAnswer in three bullet points."

A fuller one also takes the context, and returns a `Prompt` with the profile it inferred:

    def optimize(request, context):
        return Prompt(text, profile=(ProfileEntry("length", "brief", evidence="that is way too long"),))

One that is faster with many requests at once also defines `optimize_batch`. If a batch fails, each of its requests is optimized by itself:

    def optimize_batch(requests, context):
        return [request.query for request in requests]

One that learns also defines `fit`, which is called once before the first request:

    def fit(train, context):
        scores = context.score([(task, task.request.query + "\\n\\nBe brief.") for task in train[:8]])

`context.model` and `context.score` ask the target, and each new prompt counts against the run's `--optimizer_calls`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

MAX_PROMPT_CHARACTERS = 100_000
"""A longer prompt is refused and counted as a failure of the optimizer: no target here could read it."""
MAX_PROMPTS = 512
"""The most prompts that one call of `Model.generate` or `Context.score` takes."""
MAX_QUESTION_CHARACTERS = 2_000_000
"""The most characters that all prompts of one such call may have together, as JSON in ASCII: an emoji counts as twelve."""
MAX_NEW_TOKENS = 1024
"""The largest `max_gen_toks` that `Model.generate` takes."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One user's history and next query. `user` is an opaque key, new for each condition of a run; `history` holds conversations, oldest first."""

    user: str
    history: tuple[tuple[Message, ...], ...]
    query: str


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """One inferred preference, with the words of the user that support it."""

    preference: str
    value: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the target is asked, and the profile that the optimizer inferred, if it returns one."""

    text: str
    profile: tuple[ProfileEntry, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class TrainTask:
    """A request of the train split, and the number by which `Context.score` identifies it."""

    number: int
    request: Request


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a prompt for a train task.

    `personalization` is G, in [-1, 1] (0 if the item has no gold). `task` is in [0, 1] (0 if it is not known). `answer` is the target's answer,
    and `feedback` says in words what it met and missed.
    """

    personalization: float
    task: float
    answer: str
    feedback: str


class BudgetError(RuntimeError):
    """A call would exceed what `--optimizer_calls` allows, or `Context.score` was called outside `fit`.

    If the optimizer does not catch it, the request (or `fit`) fails.
    """


class Model(Protocol):
    """An optimizer's metered access to the run's target. A prompt is one call, unless the run has asked it before with the same `max_gen_toks`."""

    @property
    def calls_left(self) -> int:
        """How many prompts may still be asked."""
        ...

    def generate(self, prompts: Sequence[str], max_gen_toks: int = 256) -> list[str]:
        """Return the answers in order, decoded greedily. An answer is empty if the target could not give one.

        Raises BudgetError; TypeError if `prompts` is one text, a prompt is not a `str` or `max_gen_toks` is not an integer; ValueError if there are
        more than MAX_PROMPTS prompts, if they exceed MAX_QUESTION_CHARACTERS together, if one is blank, longer than MAX_PROMPT_CHARACTERS or holds
        half a surrogate pair, or if `max_gen_toks` is not from 1 to MAX_NEW_TOKENS. A refused call costs nothing.
        """
        ...


class NoModel:
    """The model of an optimizer that was given no calls: every call raises BudgetError."""

    calls_left = 0

    def generate(self, prompts: Sequence[str], max_gen_toks: int = 256) -> list[str]:
        raise BudgetError("there are no calls to the model; allow some with --optimizer_calls")

    def score(self, attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
        raise BudgetError("there are no calls to the model; allow some with --optimizer_calls")


NO_MODEL = NoModel()


ONLY_IN_FIT = "context.score works in fit alone, which is given the train tasks; ask the target with context.model.generate"


def _only_in_fit(attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
    raise BudgetError(ONLY_IN_FIT)


@dataclass(frozen=True, slots=True)
class Context:
    """What an optimizer may use.

    `seed` is the run's seed, and `seconds` the time limit of this call. `model` is the metered target. `request` is the request being optimized;
    it is None in `fit` and `optimize_batch`.
    """

    seed: int
    seconds: float
    model: Model = NO_MODEL
    scorer: "Callable[[Sequence[tuple[TrainTask, str]]], list[Score]]" = _only_in_fit
    request: Request | None = None

    def generator(self, request: Request | None = None) -> "np.random.Generator":
        """Return a seeded random generator. It depends only on the run's seed and the request's history and query, not on the user's key.

        `request`: which request of a batch it is for (default: the context's own). Without any, only the seed counts.
        """
        from persona_atlas.randomness import generator

        shown = request or self.request
        texts = [message.content for conversation in shown.history for message in conversation] + [shown.query] if shown else []
        return generator(self.seed, "optimizer", *texts)

    def score(self, attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
        """Ask the target each prompt, and score its answer for the task's user, in order.

        Raises what `Model.generate` raises, and BudgetError outside `fit`.
        """
        return self.scorer(attempts)


class Optimizer(Protocol):
    """An optimizer: `optimize(request, context)`, where the context may be left out of the signature.

    A second parameter that has a default is given the context only if it is called `context`.

    An exception is recorded as a failure of that item. An optimizer may also have `fit(train, context)`, where `train` is a list of TrainTask,
    and `optimize_batch(requests, context)`, which returns one prompt for each request.
    """

    def optimize(self, request: Request, context: Context) -> Prompt | str:
        """Return the prompt for the target."""
        ...


def as_text(history: Sequence[Sequence[Message]]) -> str:
    """Format a history as plain text: conversations numbered from 1, with a blank line between them. A convenience for optimizers."""
    parts = []
    for i, conversation in enumerate(history, 1):
        lines = [f"{message.role.capitalize()}: {message.content}" for message in conversation]
        parts.append(f"Conversation {i}\n" + "\n".join(lines))
    return "\n\n".join(parts)
