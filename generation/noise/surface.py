"""Surface noise: how people really type. Intent and slot values are preserved. Each edit is labelled with its span in the clean text.

    clean  How much dried penne do I need for 4 people, and how long do I boil it?
    noisy  um, how much dried penne do I need for 4 poeple and how long do I boil it

The strategies are named as in the paper (arXiv 2602.12394): colloquial_speech, incomplete_sentence, typo, word_segmentation, punctuation_format,
synonym, emotional_attitude, negative_expression, real_life_fragment.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import regex

from generation.banks import noise_words
from generation.life import Life
from generation.noise.edits import appended, joined_ends, with_article
from generation.voice import typo, uncapitalized
from persona_atlas.records import Edit, WritingStyle
from persona_atlas.tasks.markup import DAYS
from persona_atlas.tasks.quantities import MONTHS
from persona_atlas.tasks.templates import Filling

WORD = regex.compile(r"[A-Za-z]{4,}")
CLAUSE = regex.compile(r"(?:^|(?<=[,;.?!] ))[A-Za-z]+")
QUANTITY = regex.compile(r"\$?\d(?:[\d,.:]*\d)?(?:\s?[^\W\d]+)?")
CALENDAR = regex.compile(rf"\b(?:{'|'.join((*MONTHS, *DAYS))})(?:s|'s)?\b", regex.I)
ROUNDS = 3
"""How often each strategy is tried at most."""
Span = tuple[int, int]
Strategy = Callable[[str, list[Span], Life, np.random.Generator], Edit | None]
"""(clean text, protected spans, the writer's life, generator) -> an edit, or None if the text offers no place for one."""


def disturb(text: str, style: WritingStyle, protected: Sequence[Span], life: Life, draw: np.random.Generator, number: int) -> tuple[Edit, ...]:
    """Up to `number` edits in order of position and in the writer's case, none of them in a protected span.

    Each strategy is used once, and again only if the text offers no place for enough different ones.
    """
    edits: list[Edit] = []
    strategies = list(STRATEGIES.values())
    for index in (index for _ in range(ROUNDS) for index in draw.permutation(len(strategies))):
        taken = [*protected, *((edit.start, max(edit.end, edit.start + 1)) for edit in edits)]
        edit = strategies[int(index)](text, taken, life, draw)
        if edit and all(edit.start != other.start for other in edits) and not any(start < edit.start < end for start, end in taken):
            edits.append(edit)
        if len(edits) == number:
            break
    typed = [replace(edit, after=edit.after.lower()) if style.lowercase else edit for edit in edits]
    return joined_ends(text, sorted(typed, key=lambda edit: (edit.start, edit.end)))


def lost(text: str, filling: Filling, clean: str) -> str:
    """The first protected text of `clean` (slot value, quantity, month or weekday) that is missing from `text`; empty if none is."""
    kept = (clean[start:end].rstrip(",.:") for start, end in protected_spans(clean, filling))
    return next((value for value in kept if value.lower() not in text.lower()), "")


def slot_texts(filling: Filling) -> list[str]:
    """Every slot value, derived ones included, as lower-case text, longest first."""
    values = [v for value in filling.values.values() for v in (value.values() if isinstance(value, dict) else [value])]
    return sorted({str(value).lower() for value in values if str(value).strip()}, key=len, reverse=True)


def protected_spans(query: str, filling: Filling) -> list[Span]:
    """The spans of slot values, of numbers with their units, and of names of months and weekdays: a typo in one would change the task."""
    lower = query.lower()
    spans = [span for text in slot_texts(filling) for span in _occurrences(text, lower)]
    return spans + [match.span() for pattern in (QUANTITY, CALENDAR) for match in pattern.finditer(query)]


def _occurrences(text: str, lower: str) -> Iterator[Span]:
    start = lower.find(text)
    while start >= 0:
        yield start, start + len(text)
        start = lower.find(text, start + len(text))


def spans_of(text: str, filling: Filling, keep: Sequence[str]) -> list[Span] | None:
    """The protected spans and those of the texts in `keep`; None if one of these is not in the text verbatim (case aside)."""
    spans = protected_spans(text, filling)
    for words in keep:
        start = text.lower().find(words.lower().rstrip("."))
        if start < 0:
            return None
        spans.append((start, start + len(words.rstrip("."))))
    return spans


def _free(pattern: regex.Pattern[str], text: str, protected: list[Span]) -> Iterator[regex.Match[str]]:
    for match in pattern.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in protected):
            yield match


def _pick(pattern: regex.Pattern[str], text: str, protected: list[Span], draw: np.random.Generator) -> regex.Match[str] | None:
    found = list(_free(pattern, text, protected))
    return found[int(draw.integers(len(found)))] if found else None


def _line(strategy: str, key: str, life: Life, draw: np.random.Generator) -> str:
    lines = life.fitting(noise_words()[strategy][key])
    return str(lines[int(draw.integers(len(lines)))])


def _typo(text: str, protected: list[Span], life: Life, draw: np.random.Generator) -> Edit | None:
    match = _pick(WORD, text, protected, draw)
    return match and Edit("typo", match.start(), match.end(), match.group(0), typo(match.group(0), draw))


def _word_segmentation(text: str, protected: list[Span], life: Life, draw: np.random.Generator) -> Edit | None:
    match = _pick(WORD, text, protected, draw)
    if not match:
        return None
    cut = int(draw.integers(2, len(match.group(0)) - 1))
    return Edit("word_segmentation", match.start(), match.end(), match.group(0), f"{match.group(0)[:cut]} {match.group(0)[cut:]}")


def _punctuation_format(text: str, protected: list[Span], life: Life, draw: np.random.Generator) -> Edit | None:
    end = len(text)
    if text.endswith(("?", ".")):
        return Edit("punctuation_format", end - 1, end, text[-1], str(draw.choice(["", "??", "...", " ?"])))
    return Edit("punctuation_format", end, end, "", str(draw.choice(["??", "...", " ?"])))


@lru_cache(maxsize=8)
def _any_of(words: tuple[str, ...]) -> regex.Pattern[str]:
    return regex.compile(r"\b(?:" + "|".join(map(regex.escape, sorted(words, key=len, reverse=True))) + r")\b(?!['’])", regex.I)


def _exchange(strategy: str, words: dict[str, str], text: str, protected: list[Span], draw: np.random.Generator) -> Edit | None:
    """Replace a word of the text that is a key of `words` by its value, with the same capitalization."""
    match = _pick(_any_of(tuple(words)), text, protected, draw)
    if not match:
        return None
    other = words[match.group(0).lower()]
    said = other.capitalize() if match.group(0)[0].isupper() else other
    start, end, said = with_article(text, match.start(), match.end(), said)
    return Edit(strategy, start, end, text[start:end], said)


def _colloquial_speech(text: str, protected: list[Span], life: Life, draw: np.random.Generator) -> Edit | None:
    words = noise_words()["colloquial_speech"]
    swapped = _exchange("colloquial_speech", words["swaps"], text, protected, draw)
    if swapped:
        return swapped
    match = _pick(CLAUSE, text, protected, draw)
    if not match:
        return None
    filler, word = _line("colloquial_speech", "fillers", life, draw), match.group(0)
    if word == uncapitalized(word):
        return Edit("colloquial_speech", match.start(), match.start(), "", f"{filler} ")
    return Edit("colloquial_speech", match.start(), match.end(), word, f"{filler} {uncapitalized(word)}")


def _synonym(text: str, protected: list[Span], life: Life, draw: np.random.Generator) -> Edit | None:
    return _exchange("synonym", noise_words()["synonym"], text, protected, draw)


def _behind(strategy: str) -> Strategy:
    return lambda text, protected, life, draw: appended(strategy, text, _line(strategy, "after", life, draw), "")


def _real_life_fragment(text: str, protected: list[Span], life: Life, draw: np.random.Generator) -> Edit | None:
    return Edit("real_life_fragment", 0, 0, "", f"{_line('real_life_fragment', 'before', life, draw)} ")


STRATEGIES: Mapping[str, Strategy] = {
    "colloquial_speech": _colloquial_speech,
    "incomplete_sentence": _behind("incomplete_sentence"),
    "typo": _typo,
    "word_segmentation": _word_segmentation,
    "punctuation_format": _punctuation_format,
    "synonym": _synonym,
    "emotional_attitude": _behind("emotional_attitude"),
    "negative_expression": _behind("negative_expression"),
    "real_life_fragment": _real_life_fragment,
}
