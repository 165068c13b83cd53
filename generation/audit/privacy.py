"""Personal data in texts, names that are not among the invented ones, and the canary.

>>> luhn("4111 1111 1111 1111"), iban("GB82 WEST 1234 5698 7654 32")
(True, True)
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import regex

from generation.audit.corpus import Corpus
from generation.build import BANKS
from persona_atlas.content import CatalogError, need, read_yaml

SHOWN = 8
CAPITALIZED = regex.compile(r"(?<=[\p{Ll}\d,;] )(?P<word>\p{Lu}\p{Ll}{2,})(?!\p{L}|\.\p{L})(?: (?P<next>\p{Ll}+))?")
"""A capitalized word that does not begin a sentence, and the word after it, since noise cuts words in two."""
ANYWHERE = regex.compile(r"(?<!\p{L})\p{Lu}\p{Ll}{2,}(?!\p{L})")
CANARY = regex.compile(rb"canary[ :`]+(?:GUID )?[0-9a-f]{8}-[0-9a-f]{4}-", regex.I)
"""Searched in bytes, since a card that somebody wrote may be in any encoding."""


def luhn(text: str) -> bool:
    """Whether the digits pass the check for card numbers of Luhn (1960), and are not all the same.

    From the right, every second digit is doubled, less 9 if that is above 9; the sum of all must be a multiple of 10.
    """
    digits = [int(letter) for letter in text if letter.isdigit()]
    doubled = [digit if place % 2 == 0 else 2 * digit - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """Whether an IBAN's check digits are right: with its first four characters at the end and letters as 10 to 35, it is 1 modulo 97 (ISO 13616)."""
    plain = text.replace(" ", "").upper()
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


CHECKS: Mapping[str, Callable[[str], bool]] = {"luhn": luhn, "iban": iban}


@dataclass(frozen=True)
class Kind:
    """One kind of personal data: a pattern, and a further test of what the pattern finds, if there is one."""

    id: str
    pattern: regex.Pattern[str]
    check: Callable[[str], bool] | None

    def found(self, text: str) -> list[str]:
        return [match.group(0) for match in self.pattern.finditer(text) if self.check is None or self.check(match.group(0))]


@lru_cache(maxsize=1)
def kinds() -> tuple[Kind, ...]:
    """Load personal_data.yaml. Raises CatalogError."""
    data = read_yaml(files("generation.audit").joinpath("personal_data.yaml"))
    need(data, {"patterns": list}, "personal_data.yaml")
    found = []
    for entry in data["patterns"]:
        keys = {"id": str, "pattern": str, "finds": list, "leaves": list}
        need(entry, keys, "personal_data.yaml", {"check": str, "exact_case": bool})
        if entry.get("check", "luhn") not in CHECKS:
            raise CatalogError(f"personal_data.yaml, pattern {entry['id']}: there is no check {entry['check']!r}; there are {', '.join(CHECKS)}")
        case = 0 if entry.get("exact_case") else regex.I
        found.append(Kind(entry["id"], regex.compile(entry["pattern"], case), CHECKS[entry["check"]] if "check" in entry else None))
    return tuple(found)


def scanned(texts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Search texts, given as (where, text), for each kind: how many hits, how many by kind, and the first ones."""
    hits = [(kind.id, where, said) for where, text in texts for kind in kinds() for said in kind.found(text)]
    return {
        "count": len(hits),
        "by_kind": dict(Counter(kind for kind, _, _ in hits)),
        "examples": [{"kind": kind, "where": where, "text": said} for kind, where, said in hits[:SHOWN]],
    }


@lru_cache(maxsize=1)
def invented() -> frozenset[str]:
    """Every word that is capitalized in the banks, in lower case: lists of names and places, task bank, catalogue, wordings."""
    found: set[str] = set()
    for package, folder in BANKS:
        root = files(package).joinpath(folder) if folder else files(package)
        for path in root.iterdir():
            if path.name.endswith(".yaml"):
                found.update(word.lower() for word in ANYWHERE.findall(path.read_text(encoding="utf-8")))
    return frozenset(found)


def foreign_names(text: str) -> list[str]:
    """Capitalized words inside a sentence that are in no bank, not even with a slip of typing.

    Names that are typed in lower case are not seen.
    """
    found = [(match["word"].lower(), (match["next"] or "").lower(), match["word"]) for match in CAPITALIZED.finditer(text)]
    return [word for lower, behind, word in found if not {lower, lower + behind} & invented() and not _slip(lower)]


@lru_cache(maxsize=10_000)
def _slip(word: str) -> bool:
    """Whether the word is a bank's word with one slip of typing (OSA distance 1), or one of six or more letters that lacks two.

    The second case is there because noise can hit a word twice.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA, Indel

    if process.extractOne(word, _of_length(len(word)), scorer=OSA.distance, score_cutoff=1) is not None:
        return True
    longer = [one for one in _of_length(len(word) + 2) if len(one) == len(word) + 2 >= 6 and one[0] == word[0]]
    return process.extractOne(word, longer, scorer=Indel.distance, score_cutoff=2) is not None


@lru_cache(maxsize=64)
def _of_length(length: int) -> tuple[str, ...]:
    return tuple(sorted(word for word in invented() if abs(len(word) - length) <= 1))


def texts_of(corpus: Corpus) -> Iterator[tuple[str, str]]:
    """Every turn, query, witness and noisy query of a release, with its place."""
    for chat, place, turn in corpus.turns():
        yield f"{chat.id}, turn {place}", turn.text
    for item in corpus.items:
        yield from ((item.item_id, text) for text in (item.query, item.witness, *(twin.query for twin in item.twins)) if text)


def names(corpus: Corpus) -> dict[str, Any]:
    """Users' names, and names in texts, that are in no bank.

    `scripted` is the count in texts if every word comes from the package's banks; None if a model spoke, if test users speak from a private bank, or
    if the release is imported.
    """
    users = [user.persona_id for user in corpus.users if any(part.lower() not in invented() for part in user.name.split())]
    found = [(word, where) for where, text in texts_of(corpus) for word in foreign_names(text)]
    counts = Counter(word for word, _ in found)
    first = dict(reversed(found))
    return {
        "users": len(users),
        "words": len(counts),
        "count": len(found),
        "scripted": None if corpus.spoken or corpus.private or corpus.imported else len(found),
        "examples": [{"text": word, "times": times, "where": first[word]} for word, times in counts.most_common(SHOWN)],
        "user_examples": users[:SHOWN],
    }


def canary(folder: Path) -> bool:
    """Whether the card or the manifest holds a canary string, by which the data can be recognized inside other data."""
    return any(CANARY.search((folder / name).read_bytes()) for name in ("README.md", "manifest.json") if (folder / name).is_file())


def figures(corpus: Corpus, folder: Path) -> dict[str, Any]:
    """The scan for personal data, the names, and the canary."""
    return {
        "texts": sum(1 for _ in texts_of(corpus)),
        "personal_data": scanned(texts_of(corpus)),
        "names": names(corpus),
        "canary": canary(folder),
    }
