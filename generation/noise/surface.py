"""Surface noise: how people really type. The intent and every slot value stay; each edit is labelled with its span in the clean query.

    clean  How much dried penne do I need for 4 people, and how long do I boil it?
    noisy  um, How much dried penne do I need for 4 poeple and how long do I boil it

The strategies are named as in the paper (arXiv 2602.12394): typo, word_segmentation, punctuation_format, colloquial_speech,
emotional_attitude, real_life_fragment.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import regex
import yaml

from generation.typing_style import typo
from persona_atlas.randomness import generator
from persona_atlas.records import Edit, Twin
from persona_atlas.tasks.templates import Filling

EDITS = (2, 4)
WORD = regex.compile(r"[A-Za-z]{4,}")
Strategy = Callable[[str, list[tuple[int, int]], np.random.Generator], Edit | None]
"""(clean text, protected spans, generator) -> an edit, or None where the text offers no place for it."""


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return dict(yaml.safe_load(files("generation").joinpath("data", "noise.yaml").read_text(encoding="utf-8")))


def surface_twin(seed: int, item_id: str, query: str, filling: Filling) -> Twin:
    """A noisy twin of `query` with two to four edits. Raises ValueError if an edit touched a slot value or the edits do not rebuild the text."""
    draw = generator(seed, "surface", item_id)
    protected = protected_spans(query, filling)
    wanted = int(draw.integers(EDITS[0], EDITS[1] + 1))
    edits: list[Edit] = []
    for index in draw.permutation(len(STRATEGIES)):
        edit = STRATEGIES[int(index)](query, protected + [(e.start, e.end) for e in edits], draw)
        if edit and all(edit.start != other.start for other in edits):
            edits.append(edit)
        if len(edits) == wanted:
            break
    ordered = tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))
    twin = Twin("surface", apply(query, ordered), ordered)
    if found := problems(query, twin, filling):
        raise ValueError(f"{item_id}: {found}")
    return twin


def apply(text: str, edits: tuple[Edit, ...]) -> str:
    """The text with the edits made; spans are those of the clean text."""
    for edit in reversed(edits):
        text = text[: edit.start] + edit.after + text[edit.end :]
    return text


def problems(query: str, twin: Twin, filling: Filling) -> str:
    """Why the twin is not what its labels say; empty where it is."""
    if any(query[edit.start : edit.end] != edit.before for edit in twin.edits):
        return "an edit's span does not hold the text it says"
    if apply(query, twin.edits) != twin.query:
        return "the edits do not turn the clean query into the noisy one"
    if twin.query == query:
        return "nothing was changed"
    kept = (query[start:end].rstrip(",.:") for start, end in protected_spans(query, filling))
    lost = [text for text in kept if text.lower() not in twin.query.lower()]
    return f"the slot value {lost[0]!r} was changed" if lost else ""


def slot_texts(filling: Filling) -> list[str]:
    """Every slot value as text, lower case, longest first."""
    values = [v for value in filling.values.values() for v in (value.values() if isinstance(value, dict) else [value])]
    return sorted({str(value).lower() for value in values if str(value).strip()}, key=len, reverse=True)


def protected_spans(query: str, filling: Filling) -> list[tuple[int, int]]:
    """Where slot values and numbers with their units stand in the query."""
    lower = query.lower()
    spans = [match.span() for text in slot_texts(filling) for match in regex.finditer(regex.escape(text), lower)]
    return spans + [match.span() for match in regex.finditer(r"\$?\d[\d,.:]*(?:\s?[^\W\d]+)?", query)]


def _free_words(text: str, protected: list[tuple[int, int]]) -> Iterator[regex.Match[str]]:
    for match in WORD.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in protected):
            yield match


def _pick(text: str, protected: list[tuple[int, int]], draw: np.random.Generator) -> regex.Match[str] | None:
    words = list(_free_words(text, protected))
    return words[int(draw.integers(len(words)))] if words else None


def _typo(text: str, protected: list[tuple[int, int]], draw: np.random.Generator) -> Edit | None:
    match = _pick(text, protected, draw)
    return match and Edit("typo", match.start(), match.end(), match.group(0), typo(match.group(0), draw))


def _word_segmentation(text: str, protected: list[tuple[int, int]], draw: np.random.Generator) -> Edit | None:
    match = _pick(text, protected, draw)
    if not match:
        return None
    cut = int(draw.integers(2, len(match.group(0)) - 1))
    return Edit("word_segmentation", match.start(), match.end(), match.group(0), f"{match.group(0)[:cut]} {match.group(0)[cut:]}")


def _punctuation_format(text: str, protected: list[tuple[int, int]], draw: np.random.Generator) -> Edit | None:
    end = len(text)
    if text.endswith(("?", ".")):
        return Edit("punctuation_format", end - 1, end, text[-1], str(draw.choice(["", "??", "...", " ?"])))
    return Edit("punctuation_format", end, end, "", str(draw.choice(["??", "...", " ,", " ?"])))


def _colloquial_speech(text: str, protected: list[tuple[int, int]], draw: np.random.Generator) -> Edit | None:
    match = _pick(text, protected, draw)
    fillers = _data()["colloquial_speech"]["fillers"]
    return match and Edit("colloquial_speech", match.start(), match.start(), "", f"{fillers[int(draw.integers(len(fillers)))]} ")


def _emotional_attitude(text: str, protected: list[tuple[int, int]], draw: np.random.Generator) -> Edit | None:
    options = _data()["emotional_attitude"]["after"]
    mark = " " if text.endswith((".", "?", "!")) else ". "
    return Edit("emotional_attitude", len(text), len(text), "", mark + options[int(draw.integers(len(options)))])


def _real_life_fragment(text: str, protected: list[tuple[int, int]], draw: np.random.Generator) -> Edit | None:
    options = _data()["real_life_fragment"]["before"]
    return Edit("real_life_fragment", 0, 0, "", f"{options[int(draw.integers(len(options)))]} ")


STRATEGIES: tuple[Strategy, ...] = (
    _typo,
    _word_segmentation,
    _punctuation_format,
    _colloquial_speech,
    _emotional_attitude,
    _real_life_fragment,
)
