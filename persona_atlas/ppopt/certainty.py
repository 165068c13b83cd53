"""How certain the policy is of what it says about a chat.

In a line such as `- "as a list, please" so this user wants bullet points.` the quote is only copied; the policy can be wrong in what follows. So the
certainty of a line is the probability of that part, given the quote. Of the wishes that were read for validation users, half of those that had no
ground had a probability below 1/2, and almost none of the right ones did.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from persona_atlas.models.protocol import Token
from persona_atlas.ppopt.text import LINE, Finding

Weighed = tuple[Finding, float]
"""A finding, and its probability: 1 where the engine reports no tokens, or where no line of the reply matches the finding."""


def weighed(findings: Iterable[Finding], tokens: Sequence[Token]) -> tuple[Weighed, ...]:
    """Pair each finding with the policy's certainty of it."""
    known = dict(certainties(tokens))
    return tuple((finding, known.get(finding, 1.0)) for finding in findings)


def certainties(tokens: Sequence[Token]) -> Iterator[Weighed]:
    """Yield each line of a reply that is a finding, with the probability of its verdict."""
    start = 0
    for line in "".join(token.text for token in tokens).split("\n"):
        if match := LINE.match(line):
            verdict = _between(tokens, start + match.start("verdict"), start + len(line))
            yield Finding(match["evidence"], match["verdict"].rstrip()), math.exp(sum(token.logprob for token in verdict))
        start += len(line) + 1


def _between(tokens: Iterable[Token], start: int, stop: int) -> Iterator[Token]:
    """Yield the tokens that overlap characters [start, stop) of the text."""
    begin = 0
    for token in tokens:
        end = begin + len(token.text)
        if begin < stop and end > start:
            yield token
        begin = end
