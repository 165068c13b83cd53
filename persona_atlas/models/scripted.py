"""The scripted target: a deterministic program instead of a language model. It finds the question in the prompt and renders its content plan.

It stands for a perfectly obedient model that knows every task. It is used in tests and the quick gate, and to tell faults of the harness from
those of a model. It obeys orders: the instruction wordings of the catalogue, and the sentences with which users state a standing preference. It
does not understand complaints, praise or other wordings. If two orders of one dimension disagree, the later one holds. A question with typos is
recognized by its slot values and its similarity.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, pairwise, product
from typing import Any

import numpy as np
import regex

from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.preferences.catalog import WORDS, bare, load_catalog
from persona_atlas.preferences.checkers.hard import word_pattern
from persona_atlas.render import render
from persona_atlas.render.compose import defaults
from persona_atlas.tasks import markup
from persona_atlas.tasks.templates import Filling, Template, fill, load_templates

VERSION = 2
TAIL = 450
"""The question is first looked for in this many characters at the end of the prompt."""
NEAR = 60.0
DISTANCE = 0.2
"""NEAR is how similar the end of a prompt must be to a question (0 to 100, rapidfuzz's partial ratio). DISTANCE is subtracted from the similarity
for each character between the match and the very end.
"""
MOST = 200
UNKNOWN = "I do not recognize a question that I know in this prompt."


@dataclass(frozen=True)
class Wording:
    """One wording of a query: its words, by which it is found despite typos, and the slots it names."""

    template: Template
    query: str
    words: frozenset[str]
    slots: frozenset[str]

    @cached_property
    def exact(self) -> regex.Pattern[str]:
        """Match it word for word: white space in its literal parts matches any white space, and each field is a group of what it can print."""
        pattern, end = "", 0
        for index, match in enumerate(markup.FIELD.finditer(self.query)):
            pattern += _literal(self.query[end : match.start()]) + _group(self.template, match, index)
            end = match.end()
        return regex.compile(pattern + _literal(self.query[end:].rstrip(".?! ")), regex.I)


class ScriptedModel:
    """The `LanguageModel` called `scripted`. It always finishes, counts words as tokens, and has no context limit."""

    name = "scripted"
    context_length = None

    def __init__(self) -> None:
        knows = repr((load_templates(), load_catalog(), defaults()))
        self.fingerprint = f"scripted-{VERSION}-{hashlib.sha256(knows.encode()).hexdigest()[:16]}"

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for index, prompt in enumerate(prompts):
            text = answer(prompt)
            yield index, Generation(text, "stop", len(prompt.split()), len(text.split()))


def answer(prompt: str) -> str:
    """The answer to the last known question in `prompt`, in the style that the prompt asks for."""
    filling = find_question(prompt)
    if filling is None:
        return UNKNOWN
    style, hard = find_orders(prompt)
    return render(filling, style, hard)


def find_orders(prompt: str) -> tuple[dict[str, str], frozenset[str]]:
    """The values and hard constraints that the prompt asks for in known orders. The last order of a dimension holds."""
    known, _ = _orders()
    style: dict[str, str] = {}
    hard: set[str] = set()
    text = " ".join(prompt.lower().split())
    for start, end in _spans(text):
        dimension, value = known[text[start:end]]
        if dimension == "hard":
            hard.add(value)
        else:
            style[dimension] = value
    return style, frozenset(hard)


def _without_orders(text: str) -> str:
    """The text without the known orders, and with single spaces for its white space."""
    text = " ".join(text.split())
    kept, end = "", 0
    lower = "İ".join(part.lower() for part in text.split("İ"))  # the one letter that lower case makes longer, so that places would shift
    for start, stop in _spans(lower):
        kept, end = kept + text[end:start], stop
    return kept + text[end:]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where known orders start and end in a lower-case text with single spaces. They are looked up by their first two words."""
    _, opening = _orders()
    words, end = list(WORDS.finditer(text)), 0
    for first, second in pairwise(words):
        if first.start() < end:
            continue
        for order in opening.get((first.group(0), second.group(0)), ()):
            if text.startswith(order, first.start()):
                end = first.start() + len(order)
                yield first.start(), end
                break


@lru_cache(maxsize=1)
def _orders() -> tuple[Mapping[str, tuple[str, str]], Mapping[tuple[str, str], list[str]]]:
    """Map each known order to the (dimension, value) that it asks for, and each pair of first words to its orders, longest first."""
    catalog = load_catalog()
    known: dict[str, tuple[str, str]] = {}
    for value in catalog.values():
        lines = [*value.instructions, *(line for banks in value.phrasings.values() for line in banks["explicit"])]
        known.update({bare(line): (value.dimension, value.id) for line in lines})
    for constraint in catalog.hard.values():
        lines = [*constraint.instructions, *(line for banks in constraint.phrasings.values() for bank in banks.values() for line in bank)]
        known.update({bare(line): ("hard", constraint.id) for line in lines})
    opening: dict[tuple[str, str], list[str]] = {}
    for order in sorted(known, key=len, reverse=True):
        first, second = (match.group(0) for match in islice(WORDS.finditer(order), 2))
        opening.setdefault((first, second), []).append(order)
    return known, opening


def find_question(prompt: str) -> Filling | None:
    """The question at the end of the prompt, exact or with typos; else the last one anywhere in the prompt, word for word. Orders are ignored."""
    rest = _without_orders(prompt)
    return _nearest(rest[-TAIL:]) or _last_exact(rest)


def _last_exact(text: str) -> Filling | None:
    """The last question that is in the text word for word."""
    hits = ((match.end(), match, wording) for wording in _candidates(text) for match in wording.exact.finditer(text))
    for _, match, wording in sorted(hits, key=lambda hit: -hit[0]):
        if filling := _filled(wording, match):
            return filling
    return None


def _nearest(text: str) -> Filling | None:
    """The question most similar to the end of the text, among those whose slot values are in the text; None if none is similar enough."""
    from rapidfuzz import fuzz

    lower = text.lower()
    best: tuple[float, Filling | None] = (NEAR, None)
    for wording in _candidates(text)[:8]:
        for slots in _named_slots(wording, lower):
            filling = fill(wording.template, slots)
            found = fuzz.partial_ratio_alignment(filling.text(wording.query, markup.Locale()).lower(), lower)
            nearness = found.score - DISTANCE * (len(lower) - found.dest_end) if found else 0.0
            if nearness > best[0]:
                best = (nearness, filling)
    return best[1]


def _named_slots(wording: Wording, lower: str) -> list[dict[str, Any]]:
    """The slot fillings whose printed fields are all in the text, of which at most MOST are kept at each field."""
    template = wording.template
    fitting: list[dict[str, Any]] = [{}]
    for field in markup.FIELD.finditer(wording.query):
        printed = _printed(template.template_id, field.group(0), field.group(1))
        named = [new for text, options in printed.items() if text in lower and word_pattern((text,)).search(lower) for new in options]
        fitting = _joined(fitting, named)[:MOST]
    return [_complete(template, slots) for slots in fitting if set(slots) >= wording.slots]


def _joined(known: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Combine every known choice of slots with every new one that does not contradict it."""
    return [{**old, **more} for old in known for more in new if all(old.get(slot, value) == value for slot, value in more.items())]


def _candidates(text: str) -> list[Wording]:
    """The wordings of which at least half of the words are in `text`, those with the largest share first."""
    wordings, (places, counts, holds) = _wordings(), _words()
    there = holds[[places[word] for word in set(regex.findall(r"[a-z]{3,}", text.lower())) & places.keys()]]
    shares = np.where(counts > 0, there.sum(axis=0) / np.maximum(counts, 1), 1.0)
    fitting = np.flatnonzero(shares >= 0.5)
    return [wordings[index] for index in fitting[np.argsort(-shares[fitting], kind="stable")]]


@lru_cache(maxsize=1)
def _wordings() -> tuple[Wording, ...]:
    return tuple(_wording(template, query) for template in load_templates().values() for query in template.queries)


@lru_cache(maxsize=1)
def _words() -> tuple[Mapping[str, int], np.ndarray, np.ndarray]:
    """Map each word of the wordings to its row in the last array, which says with 1 which wordings have it; how many words each wording has."""
    wordings = _wordings()
    places = {word: place for place, word in enumerate(sorted(set().union(*(wording.words for wording in wordings))))}
    holds = np.zeros((len(places), len(wordings)), dtype=np.uint8)
    for index, wording in enumerate(wordings):
        holds[[places[word] for word in wording.words], index] = 1
    return places, holds.sum(axis=0, dtype=np.int64), holds


def _wording(template: Template, query: str) -> Wording:
    words = frozenset(regex.findall(r"[a-z]{3,}", markup.FIELD.sub(" ", query).lower()))
    slots = frozenset(slot for field in markup.FIELD.finditer(query) for slot in _slots(template, field.group(1)))
    return Wording(template, query, words, slots)


def _literal(text: str) -> str:
    return regex.sub(r"(?:\\ |\s)+", r"\\s+", regex.escape(text))


def _group(template: Template, match: regex.Match[str], index: int) -> str:
    """A group `f{index}` that matches anything that the field can print."""
    options = sorted(_printed(template.template_id, match.group(0), match.group(1)), key=len, reverse=True)
    return f"(?P<f{index}>{'|'.join(map(regex.escape, options))})(?!\\d)"


def _slots(template: Template, expression: str) -> set[str]:
    """The slots on which an expression depends, directly or through derived values."""
    found: set[str] = set()
    for name in regex.findall(r"(?<![\w.])[A-Za-z_]\w*", expression):
        if name in template.slots:
            found.add(name)
        elif name in template.derived:
            found |= _slots(template, template.derived[name])
    return found


@lru_cache(maxsize=4096)
def _printed(template_id: str, field: str, expression: str) -> Mapping[str, list[dict[str, Any]]]:
    """Map each text that a query's field can print, in lower case, to the choices of slots that print it."""
    template = load_templates()[template_id]
    first = {name: options[0] for name, options in template.slots.items()}
    slots = sorted(_slots(template, expression))
    printed: dict[str, list[dict[str, Any]]] = {}
    for chosen in product(*(template.slots[slot] for slot in slots)):
        options = dict(zip(slots, chosen, strict=True))
        text = fill(template, {**first, **options}).text(field, markup.Locale()).lower()
        printed.setdefault(text.rstrip("."), []).append(options)  # some people leave out the final full stop
    return printed


def _filled(wording: Wording, match: regex.Match[str]) -> Filling | None:
    """The filling whose slots print what was matched; None if two fields contradict each other or a slot of the wording stays open."""
    template = wording.template
    fitting: list[dict[str, Any]] = [{}]
    for index, field in enumerate(markup.FIELD.finditer(wording.query)):
        options = _printed(template.template_id, field.group(0), field.group(1)).get(match.group(f"f{index}").lower(), [])
        fitting = _joined(fitting, options)
    complete = [slots for slots in fitting if set(slots) >= wording.slots]
    return fill(template, _complete(template, complete[0])) if complete else None


def _complete(template: Template, slots: Mapping[str, Any]) -> dict[str, Any]:
    """The slots in the template's order. A slot that the wording does not name takes its first option: the answer cannot depend on it."""
    return {name: slots.get(name, options[0]) for name, options in template.slots.items()}
