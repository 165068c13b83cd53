"""What is known about a user's life, and whether a text that they would say is consistent with it.

    life_of(user).allows("My grandson set this up.")     False if the user is 18 to 24

`data/contradictions.yaml` lists what is inconsistent: pairs of attribute values, and first-person statements that contradict an attribute. In
addition, an age in a text must be in the user's age band, a name must be theirs, and the weight, the spouse and the names of relatives and friends
must be the same every time the user mentions them.
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
"""Expression -> another expression for the same person, so that both get the same name."""
KILOGRAMS = range(60, 95, 5)
"""The weights that users can have."""
NEAR = 0.045
"""The largest relative error of a weight that a user states. Two statements by one user then differ by less than 10 %."""
TRIES = 400
T = TypeVar("T")


@dataclass(frozen=True)
class Claim:
    """A statement about the speaker's own life, and the users whom it contradicts.

    `values`: attribute -> values. Users with one of them are contradicted; if `only` is set, users with none of them are.
    """

    id: str
    says: regex.Pattern[str]
    values: Mapping[str, Sequence[str]]
    only: bool

    def contradicts(self, attributes: Mapping[str, str]) -> bool:
        known = [attributes[name] in values for name, values in self.values.items() if name in attributes]
        return bool(known) and (not any(known) if self.only else any(known))


@dataclass(frozen=True)
class Pair:
    """Values of one attribute that are inconsistent with values of another."""

    id: str
    when: Mapping[str, Sequence[str]]
    against: Mapping[str, Sequence[str]]

    def holds(self, attributes: Mapping[str, str]) -> bool:
        return all(attributes.get(name) in values for side in (self.when, self.against) for name, values in side.items())


@dataclass(frozen=True)
class Life:
    """What is known about a user. A field that is empty or None is unknown, so nothing contradicts it."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    kilograms: int | None = None
    spouse: str = ""
    id: str = ""

    def allows(self, text: str) -> bool:
        """Whether what the text says about its writer's life is consistent with what is known."""
        said = _said(text)
        return not any(claim.contradicts(self.attributes) for claim in said.claims) and self._is(said)

    def called(self, who: str, names: Sequence[str]) -> str:
        """The name, out of `names`, of a person such as `my partner` or `my cousin`: always the same one, and never the user's own."""
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
        """The lines that `allows` accepts. Entries that are not text are kept. Raises CatalogError if nothing is left."""
        kept = [line for line in lines if not isinstance(line, str) or self.allows(line)]
        if not kept:
            raise CatalogError(f"a user with {dict(self.attributes)} can say none of {len(lines)} lines, such as {lines[0]!r}; add a plain one")
        return kept


@dataclass(frozen=True)
class _Said:
    """What a text says about its writer's life."""

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
    """A user's life: attributes and name from the record, weight and spouse derived from the id."""
    rest, weight = divmod(crc32(user.persona_id.encode()), len(KILOGRAMS))
    return Life(user.attributes, user.name, KILOGRAMS[weight], SPOUSES[rest % len(SPOUSES)], user.persona_id)


def asked(template: Template, life: Life, draw: np.random.Generator) -> tuple[Filling, int]:
    """Draw the template's slots and the index of a wording.

    Redraws until `life` allows both the question and the sentence by which an earlier chat may mention its slot. Raises CatalogError if TRIES draws
    find nothing.
    """
    for _ in range(TRIES):
        filling, wording = draw_filling(template, draw), int(draw.integers(len(template.queries)))
        mention = filling.said(template.incomplete.mention) if template.incomplete else ""
        if life.allows(filling.query(wording)) and life.allows(mention):
            return filling, wording
    raise CatalogError(f"no wording of {template.template_id} goes with {dict(life.attributes)}; add one that says nothing of its writer")


def of_age(age: int, band: str) -> bool:
    """Whether an age is in a band such as `25 to 34` or `65 and over`. A text without years, such as an empty one, contains every age."""
    found = YEARS.search(band)
    return not found or int(found["low"]) <= age <= int(found["high"] or 130)


@lru_cache(maxsize=1)
def contradictions() -> tuple[tuple[Pair, ...], tuple[Claim, ...]]:
    """Read contradictions.yaml. Raises CatalogError."""
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
