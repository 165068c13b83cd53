"""The order in which prompts go to an engine that keeps the beginnings of prompts: the first of a kind leads, the others follow when it is done.

Prompts that begin alike (a user's history before each of their queries) cost one reading of the beginning if the engine has read it before the second
comes, and as many as there are prompts if they come together. A fixed rule, so that batches are formed the same way in every run.
"""

from collections import deque
from collections.abc import Sequence

ALIKE = 1200
"""Characters, counted from the beginning, in which prompts must agree to be of one kind; shorter prompts lead all by themselves."""


class LeaderFirst:
    """A queue of indexes into `prompts`: `next()` while there is one, `done(index)` when its answer is there."""

    def __init__(self, prompts: Sequence[str]) -> None:
        self._followers: dict[int, list[int]] = {}
        leaders: dict[str, int] = {}
        self._ready: deque[int] = deque()
        for index, prompt in enumerate(prompts):
            leader = leaders.setdefault(prompt[:ALIKE], index) if len(prompt) > ALIKE else index
            if leader == index:
                self._ready.append(index)
            else:
                self._followers.setdefault(leader, []).append(index)

    def __len__(self) -> int:
        return len(self._ready)

    def next(self) -> int:
        """The index that goes next. Raises IndexError where all that is left follows somebody."""
        return self._ready.popleft()

    def done(self, index: int) -> None:
        """The prompt at `index` was read: who follows it goes next, while its beginning is still kept."""
        self._ready.extendleft(reversed(self._followers.pop(index, [])))
