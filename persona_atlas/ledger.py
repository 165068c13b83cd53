"""The ledger: what a history lets be known of an item's gold (MEASUREMENT 4).

For a dimension the last standing word counts: `revealed` where it is the gold's value, `contradicted` where it is another (a value that no
longer holds and whose
successor nobody spoke of, feedback that goes against the user's own wish), `unrevealed` where nothing was said. A wish that was lifted is
nothing said. What an imported history lets be known is `unlabelled`: nobody has marked its reveals.
"""

from collections.abc import Iterable

from persona_atlas.records import IMPORTED, Conversation, Gold


def last_words(history: Iterable[Conversation]) -> dict[str, tuple[str, int]]:
    """dimension -> the value of the last standing reveal, and the session in which the value was first let known since it holds."""
    last: dict[str, tuple[str, int]] = {}
    for conversation in history:
        for turn in conversation.turns:
            for reveal in turn.reveals:
                if reveal.how == "end":
                    last.pop(reveal.dimension, None)
                elif reveal.standing and last.get(reveal.dimension, ("", 0))[0] != reveal.value:
                    last[reveal.dimension] = (reveal.value, conversation.session)
    return last


def states(gold: Iterable[Gold], history: Iterable[Conversation]) -> dict[str, str]:
    """dimension -> state, for the gold of an item under a history; what the query itself asks for is revealed by it."""
    shown = tuple(history)
    said = last_words(shown)
    silent = "unlabelled" if any(conversation.engine == IMPORTED for conversation in shown) else "unrevealed"
    found = {}
    for entry in gold:
        word = said.get(entry.dimension)
        known = entry.source == "query" or (word is not None and word[0] == entry.value)
        found[entry.dimension] = "revealed" if known else "contradicted" if word else silent
    return found
