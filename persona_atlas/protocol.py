"""What an optimizer sees and what it returns.

The shortest optimizer is a module with one function:

    def optimize(request):
        return request.query + "\\n\\nAnswer in three bullet points."

A fuller one takes the context too, and returns a `Prompt` with the profile it inferred:

    def optimize(request, context):
        return Prompt(text, profile=(ProfileEntry("length", "brief", evidence="that is way too long"),))

One that is faster with many requests at once defines `optimize_batch` beside it; where a batch fails, each request is asked by itself:

    def optimize_batch(requests, context):
        return [request.query for request in requests]

One that learns defines `fit` beside it, which is called once before the first request:

    def fit(train, context):
        scores = context.score([(task, task.request.query + "\\n\\nBe brief.") for task in train[:8]])

`context.model` and `context.score` ask the target, and each question counts against the run's `--optimizer_calls`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

MAX_PROMPT_CHARACTERS = 100_000
"""A longer prompt is refused and counted as a failure of the optimizer: no target here could read it."""
MAX_PROMPTS = 512
"""How many prompts `Model.generate` and `Context.score` take at once."""
MAX_QUESTION_CHARACTERS = 2_000_000
"""How long all prompts of one such question may be together, as JSON in ASCII: an emoji counts twelve."""
MAX_NEW_TOKENS = 1024
"""The most that `max_gen_toks` of `Model.generate` may be."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One user's history and next query. `user` is an opaque key, made anew for every run; `history` holds conversations, oldest first."""

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
    """What the target is to be asked, and, where the optimizer can say, the profile behind it."""

    text: str
    profile: tuple[ProfileEntry, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class TrainTask:
    """A request of the train split, with the number under which `Context.score` knows it."""

    number: int
    request: Request


@dataclass(frozen=True, slots=True)
class Score:
    """What a prompt for a train task came to: personalization (G) in [-1, 1], task in [0, 1] (0 where it is not known), the target's
    answer, and in words what it met.
    """

    personalization: float
    task: float
    answer: str
    feedback: str


class BudgetError(RuntimeError):
    """The optimizer has asked as often as `--optimizer_calls` allows, or for scores elsewhere than in `fit`. Where it is not caught, the request
    fails with it.
    """


class Model(Protocol):
    """The metered language model of an optimizer: the run's target. Each prompt that was not asked before in the run counts as one call."""

    @property
    def calls_left(self) -> int:
        """How many prompts may still be asked."""
        ...

    def generate(self, prompts: Sequence[str], max_gen_toks: int = 256) -> list[str]:
        """The answers in order, decoded greedily; empty where the target could not answer.

        Raises BudgetError; TypeError for a prompt that is no text, and ValueError for what is not taken: more than MAX_PROMPTS prompts, or more than
        MAX_QUESTION_CHARACTERS of them together, a blank one, one longer than MAX_PROMPT_CHARACTERS, one with half a surrogate pair, and
        `max_gen_toks` that is not from 1 to MAX_NEW_TOKENS. What is refused costs no call.
        """
        ...


class NoModel:
    """The model of an optimizer that was given no calls."""

    calls_left = 0

    def generate(self, prompts: Sequence[str], max_gen_toks: int = 256) -> list[str]:
        raise BudgetError("there are no calls to the model; allow some with --optimizer_calls")

    def score(self, attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
        raise BudgetError("there are no calls to the model; allow some with --optimizer_calls")


NO_MODEL = NoModel()


def _only_in_fit(attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
    raise BudgetError("context.score works in fit alone, which is given the train tasks; ask the target with context.model.generate")


@dataclass(frozen=True, slots=True)
class Context:
    """What an optimizer may use: `seconds`, the time limit of one call; `seed`, the run's; `generator()`, seeded by it for this request alone;
    `model`, the metered language model. `request` is the one that is being optimized, None in `fit` and `optimize_batch`.
    """

    seed: int
    seconds: float
    model: Model = NO_MODEL
    scorer: "Callable[[Sequence[tuple[TrainTask, str]]], list[Score]]" = _only_in_fit
    request: Request | None = None

    def generator(self, request: Request | None = None) -> "np.random.Generator":
        """A generator for what is drawn at random, the same whenever this request is asked with the run's seed, by whatever key the user goes.
        `request`: which one of a batch.
        """
        from persona_atlas.randomness import generator

        shown = request or self.request
        texts = [message.content for conversation in shown.history for message in conversation] + [shown.query] if shown else []
        return generator(self.seed, "optimizer", *texts)

    def score(self, attempts: Sequence[tuple[TrainTask, str]]) -> list[Score]:
        """Ask the target each prompt and score its answer against the task's user, in order. Raises what `Model.generate` raises, and
        BudgetError elsewhere than in `fit`.
        """
        return self.scorer(attempts)


class Optimizer(Protocol):
    """`optimize(request, context)`; the context may be left out of the signature. Raising is recorded as a failure of that item. An optimizer may
    have `fit(train, context)` too, with `train` a list of TrainTask, and `optimize_batch(requests, context)`, which returns as many prompts.
    """

    def optimize(self, request: Request, context: Context) -> Prompt | str:
        """The prompt for the target."""
        ...


def as_text(history: Sequence[Sequence[Message]]) -> str:
    """A history as plain text, conversations divided by a blank line and numbered from 1: a convenience for optimizers."""
    parts = []
    for i, conversation in enumerate(history, 1):
        lines = [f"{message.role.capitalize()}: {message.content}" for message in conversation]
        parts.append(f"Conversation {i}\n" + "\n".join(lines))
    return "\n\n".join(parts)
