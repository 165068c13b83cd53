"""The order of prompts for an engine with prefix caching: of prompts with the same beginning, one leads and the others follow when it is done.

Prompts can share a long beginning, such as a user's history before each of their queries. The engine reads that beginning once if it has read it
before the second prompt comes, and once per prompt if they come together. The rule is fixed, so batches are formed the same way in every run.
"""

from collections import deque
from collections.abc import Sequence

ALIKE = 1200
"""How many characters prompts must share at their beginning to follow one another. A prompt that is no longer than this waits for none."""


class LeaderFirst:
    """A queue of indexes into `prompts`. Call `next()` while `len` is not 0, and `done(index)` when the answer to a prompt is there."""

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
        """The index that goes next. Raises IndexError if all that are left wait for their leaders."""
        return self._ready.popleft()

    def done(self, index: int) -> None:
        """Let the followers of the prompt at `index`, which has been read, go next, while the engine still keeps its beginning."""
        self._ready.extendleft(reversed(self._followers.pop(index, [])))
