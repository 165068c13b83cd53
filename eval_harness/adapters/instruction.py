"""The optimizer behind the adapters that learn: one instruction, put before a user's conversations and question. A prompt looks like this:

Answer my question the way I like answers, as my earlier conversations show.

My earlier conversations:
...

My question: How much pasta for 4?
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from persona_atlas.protocol import BudgetError, Context, Request, Score, TrainTask, as_text

START = "Answer my question the way I like answers, as my earlier conversations show."
FRAME = "{instruction}\n\nMy earlier conversations:\n{history}\n\nMy question: {query}"
BARE = "{instruction}\n\nMy question: {query}"


@dataclass
class Instruction:
    """An optimizer with one instruction for all users.

    A prompt shows at most `characters` characters of the user's newest conversations. `tasks` train tasks are for learning, and as many others for
    judging.
    """

    characters: int = 2000
    tasks: int = 8
    instruction: str = field(default=START, init=False)

    def __post_init__(self) -> None:
        for name, least in (("characters", 0), ("tasks", 1)):
            given = getattr(self, name)
            if type(given) is not int or given < least:
                raise ValueError(f"{name} is {given}, wanted a whole number from {least} on")

    def optimize(self, request: Request) -> str:
        return self.prompt(self.instruction, request)

    def prompt(self, instruction: str, request: Request) -> str:
        """The prompt for a request: the instruction, as many of the newest conversations as fit in `characters`, and the query."""
        history = self._newest(request)
        if not history:
            return BARE.format(instruction=instruction, query=request.query)
        return FRAME.format(instruction=instruction, history=history, query=request.query)

    def _newest(self, request: Request) -> str:
        kept: list[str] = []
        left = self.characters
        for conversation in reversed(request.history):
            text = as_text([conversation]).split("\n", 1)[1]
            left -= len(text)
            if left < 0:
                break
            kept.insert(0, text)
        return "\n\n".join(kept)

    def scores(self, instruction: str, tasks: Sequence[TrainTask], context: Context) -> list[Score]:
        """The score of the instruction on each of the tasks. Raises BudgetError."""
        return context.score([(task, self.prompt(instruction, task.request)) for task in tasks])

    def parts(self, train: Sequence[TrainTask]) -> tuple[list[TrainTask], list[TrainTask]]:
        """The first `tasks` train tasks, to learn from, and the next `tasks`, to judge by. Raises ValueError if none are left to judge by."""
        if len(train) <= self.tasks:
            raise ValueError(
                f"there are {len(train)} train tasks, and with tasks={self.tasks} none are left to judge by; "
                "give fewer with --optimizer_args tasks=…, or a release with more train users"
            )
        return list(train[: self.tasks]), list(train[self.tasks : 2 * self.tasks])

    def need(self, calls: int, context: Context) -> None:
        """Raise BudgetError unless at least `calls` calls are left."""
        if context.model.calls_left < calls:
            raise BudgetError(f"this optimizer needs at least {calls} calls and has {context.model.calls_left}; allow more with --optimizer_calls")

    def best(self, candidates: Sequence[str], judges: Sequence[TrainTask], context: Context) -> str:
        """The candidate with the highest mean value on the judging tasks; of equally good ones, the first."""
        means = [sum(map(value, self.scores(candidate, judges, context))) / len(judges) for candidate in candidates]
        for candidate, mean in zip(candidates, means, strict=True):
            print(f"{mean:+.3f}  {candidate}")
        return candidates[means.index(max(means))]


def value(score: Score) -> float:
    """What an adapter maximizes: the sum of personalization and task, in [-1, 2]."""
    return score.personalization + score.task
