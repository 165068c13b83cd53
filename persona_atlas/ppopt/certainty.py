"""How certain the policy is of what it says about a chat.

In a line such as `- "as a list, please" so this user wants bullet points.` the quote is only copied; the policy can be wrong in what follows. So the
certainty of a line is the probability of that part, given the quote. Of the wishes that were read for validation users, half of those that had no
ground had a probability below 1/2, and almost none of the right ones did.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import regex

from persona_atlas.models.protocol import Token
from persona_atlas.ppopt.text import Finding

Weighed = tuple[Finding, float]
"""A finding, and its probability: 1 where the engine reports no tokens, or tokens whose text does not hold the finding."""


def weighed(findings: Iterable[Finding], tokens: Sequence[Token]) -> tuple[Weighed, ...]:
    """Pair each finding of a reply, in the order of the reply, with the probability of its verdict."""
    text, place, found = "".join(token.text for token in tokens), 0, []
    for finding in findings:
        line = regex.compile(rf'"{regex.escape(finding.evidence)}"\s*(?P<verdict>{regex.escape(finding.verdict)})').search(text, place)
        verdict = _between(tokens, *line.span("verdict")) if line else ()
        found.append((finding, math.exp(sum(token.logprob for token in verdict))))
        place = line.end() if line else place
    return tuple(found)


def _between(tokens: Iterable[Token], start: int, stop: int) -> Iterator[Token]:
    """Yield the tokens that overlap characters [start, stop) of the text."""
    begin = 0
    for token in tokens:
        end = begin + len(token.text)
        if begin < stop and end > start:
            yield token
        begin = end
