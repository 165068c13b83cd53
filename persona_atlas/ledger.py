"""The ledger: what a history reveals about an item's gold (MEASUREMENT 4).

In each dimension the last standing reveal counts. The gold is

- `revealed` if that reveal is of the gold's value,
- `contradicted` if it is of another value: one that no longer holds and whose successor was never mentioned, or feedback that goes against the
  user's own wish,
- `unrevealed` if nothing was said, or if the wish was lifted; in an imported history `unlabelled`, because nobody has marked its reveals.
"""

from collections.abc import Iterable

from persona_atlas.records import IMPORTED, Conversation, Gold


def last_words(history: Iterable[Conversation]) -> dict[str, tuple[str, int]]:
    """Map each dimension to the value of its last standing reveal, and to the session in which the unbroken run of reveals of that value began."""
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
    """Map each dimension of an item's gold to its state under a history. What the query itself asks for is `revealed`."""
    shown = tuple(history)
    said = last_words(shown)
    silent = "unlabelled" if any(conversation.engine == IMPORTED for conversation in shown) else "unrevealed"
    found = {}
    for entry in gold:
        word = said.get(entry.dimension)
        known = entry.source == "query" or (word is not None and word[0] == entry.value)
        found[entry.dimension] = "revealed" if known else "contradicted" if word else silent
    return found
