"""A user's life: what is known of it, and whether what they say of it goes with that.

    life_of(user).allows("My grandson set this up.")     False where the user is 18 to 24

data/contradictions.yaml lists what does not go together: values of two attributes, and words about oneself against attributes. Besides, an age
said has to be in the user's band, a name has to be theirs, and whoever speaks of their weight, their spouse or anybody near to them always speaks
of the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar
from zlib import crc32

import numpy as np
import regex

from persona_atlas.content import CatalogError, need, read_yaml
from persona_atlas.records import User
from persona_atlas.tasks.templates import Filling, Template
from persona_atlas.tasks.templates import draw as draw_filling

AGE = regex.compile(r"\b(?:I(?:'m| am)|I turned|at my age,?) (?P<age>[1-9]\d)(?= years old|[.,;!?]|$| and (?!a half))", regex.I)
WEIGHT = regex.compile(r"\bI weigh (?:about )?(?P<kg>\d+) ?kg\b|\bwith (?P<kg>\d+) ?kg on the scale", regex.I)
INTRODUCED = regex.compile(r"\b(?i:my name is|my name's|I am called|I'm called|call me) (?P<name>\p{Lu}\p{Ll}+)")
YEARS = regex.compile(r"(?P<low>\d+)(?: to (?P<high>\d+)| and over)")
SPOUSE = regex.compile(r"\bmy (?P<who>husband|wife)\b", regex.I)
SPOUSES = ("husband", "wife")
NEAREST = {"my spouse": "my partner"}
"""Words for the same person."""
KILOGRAMS = range(60, 95, 5)
"""The weights that users have."""
NEAR = 0.045
"""How far from their weight a user may say that it is, as a share: two such statements are less than a tenth apart."""
TRIES = 400
T = TypeVar("T")


@dataclass(frozen=True)
class Claim:
    """What a user may say of their life, and whom it contradicts: attribute -> values; `only`: all others contradict it."""

    id: str
    says: regex.Pattern[str]
    values: Mapping[str, Sequence[str]]
    only: bool

    def contradicts(self, attributes: Mapping[str, str]) -> bool:
        known = [attributes[name] in values for name, values in self.values.items() if name in attributes]
        return bool(known) and (not any(known) if self.only else any(known))


@dataclass(frozen=True)
class Pair:
    """Values of one attribute that do not go with values of another."""

    id: str
    when: Mapping[str, Sequence[str]]
    against: Mapping[str, Sequence[str]]

    def holds(self, attributes: Mapping[str, str]) -> bool:
        return all(attributes.get(name) in values for side in (self.when, self.against) for name, values in side.items())


@dataclass(frozen=True)
class Life:
    """What is known of a user. What is empty or None is not known, and nothing contradicts it."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    kilograms: int | None = None
    spouse: str = ""
    id: str = ""

    def allows(self, text: str) -> bool:
        """Whether nothing that the text says of its writer's life contradicts what is known."""
        said = _said(text)
        return not any(claim.contradicts(self.attributes) for claim in said.claims) and self._is(said)

    def called(self, who: str, names: Sequence[str]) -> str:
        """What somebody near to the user is called, `my partner` or `my cousin`: always the same one of the names, and not the user's own."""
        others = [name for name in names if name not in self.name.split()]
        return others[crc32(f"{self.id} {NEAREST.get(who, who)}".encode()) % len(others)]

    def _is(self, said: "_Said") -> bool:
        return (
            all(of_age(age, self.attributes.get("age_band", "")) for age in said.ages)
            and all(self.kilograms is None or abs(weight - self.kilograms) <= NEAR * self.kilograms for weight in said.weights)
            and all(who == self.spouse for who in said.spouses if self.spouse)
            and all(name in self.name.split() for name in said.names if self.name)
        )

    def fitting(self, lines: Sequence[T]) -> Sequence[T]:
        """Those of the lines that the life allows; what is no text is left as it is. Raises CatalogError where none is left."""
        kept = [line for line in lines if not isinstance(line, str) or self.allows(line)]
        if not kept:
            raise CatalogError(f"a user with {dict(self.attributes)} can say none of {len(lines)} lines, such as {lines[0]!r}; add a plain one")
        return kept


@dataclass(frozen=True)
class _Said:
    """What a text says of its writer's life."""

    claims: tuple[Claim, ...]
    ages: tuple[int, ...]
    weights: tuple[int, ...]
    spouses: tuple[str, ...]
    names: tuple[str, ...]


@lru_cache(maxsize=20_000)
def _said(text: str) -> _Said:
    return _Said(
        tuple(claim for claim in contradictions()[1] if claim.says.search(text)),
        tuple(int(found["age"]) for found in AGE.finditer(text)),
        tuple(int(found["kg"]) for found in WEIGHT.finditer(text)),
        tuple(found["who"].lower() for found in SPOUSE.finditer(text)),
        tuple(found["name"] for found in INTRODUCED.finditer(text)),
    )


def life_of(user: User) -> Life:
    """The user's attributes and name; weight and spouse follow from their id."""
    rest, weight = divmod(crc32(user.persona_id.encode()), len(KILOGRAMS))
    return Life(user.attributes, user.name, KILOGRAMS[weight], SPOUSES[rest % len(SPOUSES)], user.persona_id)


def asked(template: Template, life: Life, draw: np.random.Generator) -> tuple[Filling, int]:
    """The template with its slots filled, and the number of a wording, drawn until the life allows the question and what an earlier chat may mention
    of it. Raises CatalogError where TRIES draws find none.
    """
    for _ in range(TRIES):
        filling, wording = draw_filling(template, draw), int(draw.integers(len(template.queries)))
        mention = filling.said(template.incomplete.mention) if template.incomplete else ""
        if life.allows(filling.query(wording)) and life.allows(mention):
            return filling, wording
    raise CatalogError(f"no wording of {template.template_id} goes with {dict(life.attributes)}; add one that says nothing of its writer")


def of_age(age: int, band: str) -> bool:
    """Whether an age is in a band such as `25 to 34` or `65 and over`; every age is in a band that says nothing."""
    found = YEARS.search(band)
    return not found or int(found["low"]) <= age <= int(found["high"] or 130)


@lru_cache(maxsize=1)
def contradictions() -> tuple[tuple[Pair, ...], tuple[Claim, ...]]:
    """contradictions.yaml, read. Raises CatalogError."""
    data = read_yaml(files("generation").joinpath("data", "contradictions.yaml"))
    need(data, {"attributes": list, "texts": list}, "contradictions.yaml")
    for entry in data["attributes"]:
        need(entry, {"id": str, "when": dict, "against": dict}, "contradictions.yaml, attributes")
    for entry in data["texts"]:
        need(entry, {"id": str, "says": str, "finds": str, "leaves": str}, "contradictions.yaml, texts", {"of": dict, "unless": dict})
        if ("of" in entry) == ("unless" in entry):
            raise CatalogError(f"contradictions.yaml, texts, {entry['id']}: wanted one of of and unless; give one")
    pairs = tuple(Pair(entry["id"], entry["when"], entry["against"]) for entry in data["attributes"])
    claims = tuple(
        Claim(entry["id"], regex.compile(entry["says"], regex.I), entry.get("of") or entry["unless"], "unless" in entry) for entry in data["texts"]
    )
    return pairs, claims
