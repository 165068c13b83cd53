"""Which of several options a text names as its answer.

>>> named("toggle bolt", ("picture nail",), "you ask whether to use a toggle bolt or a picture nail. use a picture nail.")
False
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import regex

from persona_atlas.preferences.checkers.hard import word_pattern

_LEAST_LETTERS = 6
"""A single word with fewer letters gets no plural: `means` and `lines` are verbs as well."""
_ARTICLE = r"(?:(?:a|an|the|your|some|using|use|to)\s){0,2}(?:--)?"
_SENTENCE = regex.compile(r"(?:[^.!?\n]|(?<=\d)\.(?=\d))*+[.!?\n]?")
_CONCLUSION = (
    r"\b(?:so|therefore|thus|hence)\b(?:(?!\b(?:not|never|avoid)\b|n't)[^.!?\n]){0,24}?"
    r"\b(?:use|choose|pick|take|go\s(?:with|for)|opt\sfor|select|buy|get|prefer)\s(?:(?:a|an|the|your)\s)?"
)
_STATED = r"(?!,?\sor\b|[^.!?\n]{0,80}\?)"
"""What may not follow a conclusion: an alternative, or the end of a question."""


def named(right: str, others: Iterable[str], lower: str) -> bool:
    """Return whether the text, in lower case, names the right option before all others or more often than any of them.

    What repeats the question does not count: alternatives (`a bolt or a nail`), what follows `whether` or `between`, and questions, unless no
    option is named elsewhere. A conclusion (`so choose …`) that is drawn for one option only decides.
    """
    options = tuple(dict.fromkeys((right, *others)))
    patterns = _patterns(options)
    hits = {option: [hit.start() for hit in pattern.finditer(lower)] for option, pattern in patterns.items()}
    if not hits[right]:
        return False
    concluded = _concluded(options, lower)
    if len(concluded) == 1:
        return right in concluded
    alternatives = [match.span() for pattern in _echoes(options) for match in pattern.finditer(lower)]
    told = _outside(hits, [*alternatives, *_questions(lower)])
    counts = told if any(told.values()) else _outside(hits, alternatives)
    mine = counts.pop(right)
    if not mine:
        return False
    rivals = [places for places in counts.values() if places]
    return all(mine[0] < places[0] for places in rivals) or all(len(mine) > len(places) for places in rivals)


def mentioned(options: Iterable[str], lower: str) -> int:
    """Return how many of the options the text, in lower case, mentions at all."""
    return sum(bool(pattern.search(lower)) for pattern in _patterns(tuple(dict.fromkeys(options))).values())


@lru_cache(maxsize=4096)
def _patterns(options: Sequence[str]) -> dict[str, regex.Pattern[str]]:
    return {option: regex.compile(_pattern(option, options)) for option in options}


def _pattern(option: str, options: Sequence[str]) -> str:
    """The pattern of an option: as it is, in the plural, with `jumping rope` for `rope jumping`, and `the efficient one` for `efficient fridge`.

    The last holds where all options end in the same noun.
    """
    words = option.split()
    forms = [option]
    if option[-1].isalpha() and not option.endswith("s") and (len(words) > 1 or len(option) >= _LEAST_LETTERS):
        forms.append(f"{option}s")
    if len(words) == 2 and words[1].endswith("ing"):
        forms.append(f"{words[1]} {words[0]}")
    if len(words) > 1 and len({other.split()[-1] for other in options}) == 1 and len(options) > 1:
        forms.append(f"the {' '.join(words[:-1])} one")
    return word_pattern(tuple(forms)).pattern


@lru_cache(maxsize=4096)
def _echoes(options: Sequence[str]) -> tuple[regex.Pattern[str], ...]:
    """The patterns of what names options only to ask which it is."""
    option = f"(?:{'|'.join(pattern.pattern for pattern in _patterns(options).values())})"
    quote = r"[\"'“”‘’()]?"
    joint = rf"{quote}(?:\s?,\s|\s?/\s?|\s)(?:(?:or|vs\.?|versus)\s(?:rather\s|instead\s)?)?{_ARTICLE}{quote}"
    last = rf"{quote}(?:,?\s(?:or|vs\.?|versus)\s(?:rather\s|instead\s)?|\s?/\s?){_ARTICLE}{quote}"
    further = r"(?:\s[\w-]+){0,3}?\s"
    return (
        regex.compile(rf"{option}(?:{joint}{option}){{0,3}}?{last}{option}"),
        regex.compile(rf"\bwhether\b[^.,;:!?\n]{{0,40}}?{option}[^.;:!?\n]{{0,60}}?\bor\b{further}{option}"),
        regex.compile(
            rf"\b(?:between|compar(?:e|ing)|asked?\sabout)\b[^.,;:!?\n]{{0,20}}?{option}\s(?:and|or|with|to|versus|vs\.?)\s{_ARTICLE}{option}"
        ),
    )


def _questions(lower: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _SENTENCE.finditer(lower) if match.group().endswith("?"))


def _outside(hits: dict[str, list[int]], spans: Sequence[tuple[int, int]]) -> dict[str, list[int]]:
    inside: set[int] = set()
    for start, end in spans:
        inside.update(range(start, end))
    return {option: [place for place in places if place not in inside] for option, places in hits.items()}


def _concluded(options: Sequence[str], lower: str) -> set[str]:
    if not regex.search(r"\b(?:so|therefore|thus|hence)\b", lower):
        return set()
    return {option for option, pattern in _conclusions(options).items() if pattern.search(lower)}


@lru_cache(maxsize=4096)
def _conclusions(options: Sequence[str]) -> dict[str, regex.Pattern[str]]:
    return {option: regex.compile(_CONCLUSION + pattern.pattern + _STATED) for option, pattern in _patterns(options).items()}
