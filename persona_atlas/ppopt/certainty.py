"""How certain the policy is of what it says about a chat.

In a line such as `- "as a list, please" so this user wants bullet points, only for cooking.` the quote is only copied; the policy can be wrong in
what follows. There are two ways to be wrong, and each has its probability, given the quote:

    own     of `so this user wants`: that the wish is the user's own and is meant for good, not somebody else's, a mood's, or for this once
    sure    of `bullet points`, given that

The areas count in neither: what is wanted can be right where they are not.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import regex

from persona_atlas.models.protocol import Token
from persona_atlas.ppopt.chats import VERDICT
from persona_atlas.ppopt.text import Finding


def weighed(findings: Iterable[Finding], tokens: Sequence[Token]) -> tuple[Finding, ...]:
    """Return the findings of a reply, in its order, with their probabilities: 1 where the engine reports no tokens, or tokens without the finding."""
    text, place, found = "".join(token.text for token in tokens), 0, []
    for finding in findings:
        line = regex.compile(rf'"{regex.escape(finding.evidence)}"\s*(?P<verdict>{regex.escape(finding.verdict)})').search(text, place)
        found.append(_certain(finding, tokens, *line.span("verdict")) if line else finding)
        place = line.end() if line else place
    return tuple(found)


def _certain(finding: Finding, tokens: Iterable[Token], start: int, stop: int) -> Finding:
    """Return the finding with its probabilities; its verdict is in characters [start, stop) of the tokens' text."""
    parts = VERDICT.match(finding.verdict)
    if parts is None:
        return replace(finding, own=_probability(tokens, start, stop))
    way, wish = ((start + first, start + last) for first, last in (parts.span("way"), parts.span("wish")))
    return replace(finding, own=_probability(tokens, *way), sure=_probability(tokens, *wish))


def _probability(tokens: Iterable[Token], start: int, stop: int) -> float:
    """Return the probability of the tokens that overlap characters [start, stop) of the text."""
    begin, logprob = 0, 0.0
    for token in tokens:
        end = begin + len(token.text)
        if begin < stop and end > start:
            logprob += token.logprob
        begin = end
    return math.exp(logprob)
