"""Whether texts are whole: not cut off, refused, empty, repeated, out of turn, or with terms of the schema in them.

>>> unfinished("Simmer the sauce until the"), unfinished("Simmer the sauce")
(True, False)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import regex

from generation.audit.corpus import Corpus, words
from persona_atlas.content import need, read_yaml
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.tasks.templates import load_templates

SHOWN = 5
Place = tuple[str, str]
"""Where a text stands, and the text."""


@dataclass(frozen=True)
class Signs:
    """The content of signs.yaml."""

    refusals: regex.Pattern[str]
    cut_off: regex.Pattern[str]
    ids: regex.Pattern[str]
    whole_ends: regex.Pattern[str]
    unfinished_words: frozenset[str]
    unfinished_marks: str
    schema_words: tuple[str, ...]


@lru_cache(maxsize=1)
def signs() -> Signs:
    """Load signs.yaml. Raises CatalogError."""
    data = read_yaml(files("generation.audit").joinpath("signs.yaml"))
    lists, plain = ("refusals", "cut_off", "ids", "whole_ends"), {"unfinished_words": str, "unfinished_marks": str, "schema_words": list}
    need(data, {**dict.fromkeys(lists, list), **plain}, "signs.yaml")
    patterns = {}
    for name in lists:
        for entry in data[name]:
            need(entry, {"pattern": str, "finds": str, "leaves": str}, f"signs.yaml, {name}")
        patterns[name] = regex.compile("|".join(f"(?:{entry['pattern']})" for entry in data[name]), regex.I)
    return Signs(**patterns, unfinished_words=frozenset(data["unfinished_words"].split()), unfinished_marks=data["unfinished_marks"],
                 schema_words=tuple(data["schema_words"]))  # fmt: skip


def unfinished(text: str) -> bool:
    """Whether a text ends in the middle of a sentence: on a comma, an open bracket, a dash, or a word that ends no sentence ("and", "the").

    Ends that are whole all the same ("steer clear of") are listed in signs.yaml.
    """
    end = text.rstrip().rstrip("*_`")
    if not end or end.endswith(("|", "---")):
        return False
    if end[-1] in signs().unfinished_marks:
        return True
    last = regex.search(r"([\p{L}']+)$", end)
    ends_on = bool(last) and end[-1].isalpha() and last.group(1).lower() in signs().unfinished_words
    return ends_on and not signs().whole_ends.search(end)


def stopped_short(text: str) -> bool:
    """Whether an assistant's answer is cut off: unfinished, or with a last line that ends on a word without punctuation.

    A last line of at most three words may end so, and so may one that is a list entry, a heading, a quotation, or part of a table or code block.
    """
    lines = [line for line in text.rstrip().splitlines() if line.strip()]
    if unfinished(text) or not lines:
        return bool(lines)
    plain = not regex.match(r"\s*(?:[-*+•#|>]|\d+[.)]|```)", lines[-1])
    return plain and len(words(lines[-1])) > 3 and lines[-1].rstrip("*_` ")[-1:].isalnum()


def refuses(text: str) -> bool:
    """Whether an answer refuses, by the phrases of signs.yaml."""
    return bool(signs().refusals.search(text))


def schema_terms(text: str) -> list[str]:
    """Terms of the schema in a text: ids, names with an underscore (fields, checkers, dimensions, values), and a dimension with its value.

    `length: brief`, `length=brief` and `"length": "brief"` are found; "length" or "brief" alone are English words, and are not.
    """
    return [match.group(0) for match in (*signs().ids.finditer(text), *_names().finditer(text), *_pairs().finditer(text))]


@lru_cache(maxsize=1)
def _names() -> regex.Pattern[str]:
    catalog = load_catalog()
    owners: list[Any] = [*catalog.values(), *catalog.hard.values()]
    names = {*signs().schema_words, *catalog.dimensions, *load_templates(), *(name for owner in owners for name in (owner.id, owner.checker))}
    listed = sorted((name for name in names if "_" in name), key=len, reverse=True)
    return regex.compile(rf"(?<![\w.])(?:{'|'.join(map(regex.escape, listed))})(?![\w])", regex.I)


@lru_cache(maxsize=1)
def _pairs() -> regex.Pattern[str]:
    """A dimension, then a colon, an equals sign, an arrow or "is set to", and one of its values; or a word such as "gold" with something assigned."""
    pairs = []
    for dimension in load_catalog().dimensions.values():
        values = "|".join(regex.escape(value) for value in dimension.values)
        pairs.append(rf"{regex.escape(dimension.id)}[\"']?\s*(?::|=|->|→|is set to)\s*[\"']?(?:{values})\b")
    general = r"\b(?:dimension|persona|preference|checker|gold)[\"']?\s*(?:=|:\s*[\"'a-z]+_)"
    return regex.compile(rf"\b(?:{'|'.join(pairs)})|{general}", regex.I)


def repeated(corpus: Corpus) -> Iterator[Place]:
    """Turns that repeat the same speaker's previous turn in the chat letter for letter, apart from white space."""
    for chat in corpus.chats:
        last: dict[str, str] = {}
        for place, turn in enumerate(chat.turns):
            said = " ".join(turn.text.split())
            if said and last.get(turn.role) == said:
                yield f"{chat.id}, turn {place}", turn.text
            last[turn.role] = said


def disordered(corpus: Corpus) -> Iterator[Place]:
    """Chats that do not begin with the user, or in which one speaker has two turns in a row."""
    for chat in corpus.chats:
        roles = [turn.role for turn in chat.turns]
        if roles and (roles[0] != "user" or any(first == second for first, second in pairwise(roles))):
            yield chat.id, " ".join(roles)


def figures(corpus: Corpus) -> dict[str, Any]:
    """Each kind of unsoundness: how many texts of how many, and the first ones.

    Labelled noise may cut off a user turn, so whether user turns are cut off is judged by their clean twins.
    """
    turns = [(f"{chat.id}, turn {place}", turn) for chat, place, turn in corpus.turns()]
    said = [(where, turn.text) for where, turn in turns if turn.role == "user"]
    answered = [(where, turn.text) for where, turn in turns if turn.role == "assistant"]
    written = [*said, *answered, *((item.item_id, text) for item in corpus.items for text in (item.query, item.witness) if text)]
    return {
        "cut_off_users": _found([(where, turn.clean or turn.text) for where, turn in turns if turn.role == "user"], unfinished),
        "cut_off_answers": _found(answered, stopped_short),
        "complaints_of_cut_off": _found(said, lambda text: bool(signs().cut_off.search(text))),
        "refusals": _found(answered, refuses),
        "empty": _found(written, lambda text: not text.strip()),
        "repeated": _listed(len(turns), list(repeated(corpus))),
        "disordered": _listed(len(corpus.chats), list(disordered(corpus))),
        "schema_terms": _found(written, lambda text: bool(schema_terms(text))),
    }


def _found(texts: Iterable[Place], wrong: Callable[[str], bool]) -> dict[str, Any]:
    texts = list(texts)
    return _listed(len(texts), [(where, text) for where, text in texts if wrong(text)])


def _listed(among: int, found: list[Place]) -> dict[str, Any]:
    examples: list[Mapping[str, str]] = [{"where": where, "text": text[-200:]} for where, text in found[:SHOWN]]
    return {"among": among, "count": len(found), "share": len(found) / max(among, 1), "examples": examples}
