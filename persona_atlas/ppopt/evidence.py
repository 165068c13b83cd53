"""Finds where in a user's message a reveal stands: the words that PPOpt quotes, and that training rewords.

    spoken("Two fridges, which is cheaper? from now on, use bullet points pls.", Reveal("structure", "bulleted", "explicit"))
        Span(31, 66, wish=(44, 61))        # "from now on, use bullet points pls.", and in it "use bullet points"

The message is typed in the user's way (case, slips, abbreviations), so the phrasing that is most similar to a part of it is looked for.
"""

from dataclasses import dataclass
from functools import lru_cache

import regex
from rapidfuzz import fuzz

from persona_atlas.ppopt.bank import phrasings
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Reveal

SPLIT = "train"
ALIKE = 80
"""How similar (of 100) a part of the message must be to a phrasing."""
WAYS = {"explicit": ("explicit", "request"), "change": ("request",), "exception": ("request",), "end": ("request",)}
"""How a reveal is made -> the kinds of phrasing that it may use; by default the kind of the same name."""
END = regex.compile(r"[.?!…]+[\"')]*(?=\s)\s*")


@dataclass(frozen=True)
class Span:
    """Where a message reveals a wish: the sentence is at [start, end).

    `wish`: the place of the wish's own phrasing in the message. `kind`: the kind of this phrasing.
    """

    start: int
    end: int
    wish: tuple[int, int]
    kind: str


def spoken(text: str, reveal: Reveal) -> Span | None:
    """Find the reveal in the message; None where no part of it is similar to a phrasing of the train split or of PPOpt's bank."""
    best, found = 0.0, None
    lower = text.lower()
    for kind, phrasing in _phrasings(reveal.dimension, reveal.value, reveal.how):
        near = fuzz.partial_ratio_alignment(phrasing, lower, score_cutoff=max(ALIKE, best + 0.1)) if len(phrasing) <= len(lower) + 3 else None
        if near is not None and near.score > best:
            best, found = near.score, (near.dest_start, near.dest_end, kind)
    if found is None:
        return None
    start, end, kind = found
    start, end = _whole_words(text, start, end)
    edges = [0, *(match.end() for match in END.finditer(text)), len(text)]
    first = max(edge for edge in edges if edge <= start + 2)
    last = min(edge for edge in edges if edge >= end - 2 and edge > first)
    return Span(first, len(text[:last].rstrip()), (max(start, first), min(end, last)), kind)


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


@lru_cache(maxsize=512)
def _phrasings(dimension: str, value: str, how: str) -> tuple[tuple[str, str], ...]:
    catalog = load_catalog()
    banks = (
        (catalog.hard[value] if dimension == "hard" else catalog.value(dimension, value)).phrasings[SPLIT],
        phrasings().get((dimension, value), {}),
    )
    return tuple((kind, line.lower().rstrip(".")) for kind in WAYS.get(how, (how,)) for bank in banks for line in bank.get(kind, ()))


def quoted(text: str, span: Span, words: int) -> str:
    """Return the sentence as typed, on one line. A longer one is cut to `words` words around the wish, which is never cut itself."""
    start, end = span.start, span.end
    while len(text[start:end].split()) > words and (start < span.wish[0] or end > span.wish[1]):
        before, after = text[start : span.wish[0]], text[span.wish[1] : end]
        if len(before.split()) >= len(after.split()) and before.split():
            start += len(before) - len(before.lstrip()) + len(before.split()[0])
        elif after.split():
            end -= len(after) - len(after.rstrip()) + len(after.split()[-1])
        else:
            break
    return " ".join(text[start:end].split())
