"""How much of a history is shown in the form `whole`: the same in training (cases.py) and in use (optimizer.py)."""

from collections.abc import Callable, Sequence

from persona_atlas.ppopt.chats import shortened
from persona_atlas.ppopt.text import fitting
from persona_atlas.protocol import Message


def newest(history: Sequence[Sequence[Message]], count: Callable[[str], int], budget: int) -> Sequence[Sequence[Message]]:
    """Return the newest chats that fit a budget of tokens, oldest first; where not even one fits, the newest chat, cut as `shortened` cuts it.

    `count` counts the tokens of a text.
    """
    if number := fitting(history, count, budget):
        return history[len(history) - number :]
    return [shortened(chat, count, budget) for chat in history[-1:]]
