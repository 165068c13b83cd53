"""How sure the policy is of what it says of a chat.

Of a line such as `- "as a list, please" so this user wants bullet points.` the quote can only be copied; it is in what follows that the policy
may be wrong. So a line is as sure as that part is probable, given the quote. Of what validation users were read to want, half of what came from
nothing was written with less than an even chance, and next to nothing of what was right.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from persona_atlas.models.protocol import Token
from persona_atlas.ppopt.text import LINE, Finding

Weighed = tuple[Finding, float]
"""What the policy says, and how probable it is: 1 where the engine tells no tokens."""


def weighed(findings: Iterable[Finding], tokens: Sequence[Token]) -> tuple[Weighed, ...]:
    """Each finding with the policy's certainty of it."""
    known = dict(certainties(tokens))
    return tuple((finding, known.get(finding, 1.0)) for finding in findings)


def certainties(tokens: Sequence[Token]) -> Iterator[Weighed]:
    """Each line of a reply that is a finding, with the probability of its verdict."""
    start = 0
    for line in "".join(token.text for token in tokens).split("\n"):
        if match := LINE.match(line):
            verdict = _between(tokens, start + match.start("verdict"), start + len(line))
            yield Finding(match["evidence"], match["verdict"].rstrip()), math.exp(sum(token.logprob for token in verdict))
        start += len(line) + 1


def _between(tokens: Iterable[Token], start: int, stop: int) -> Iterator[Token]:
    """The tokens that have a part between two characters of the text."""
    begin = 0
    for token in tokens:
        end = begin + len(token.text)
        if begin < stop and end > start:
            yield token
        begin = end
