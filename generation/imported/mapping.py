"""The mapping from the published persona dimensions to the catalogue, read from YAML and checked when read.

    - id: format_pref_primary
      about: user
      values:
        bullets: {dimension: structure, value: bulleted}
      rest: an order of content that several of our structures can carry

A dimension can be mapped to only if it applies to every task of the bank, since nobody has tried out what applies to an imported question, and only
if it is not held out for `test_ood`, since imported users are in train as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from persona_atlas.content import CatalogError, need, place, read_yaml, unique_ids
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.randomness import digest
from persona_atlas.records import Held
from persona_atlas.render import applicable_dimensions
from persona_atlas.tasks.templates import load_templates

FILE = "ppopt.yaml"
ABOUT = ("user", "conversation")
SPLITS = ("train", "validation", "test")
"""The splits that imported users go to; not `test_ood`, since nothing is held out from them."""


@dataclass(frozen=True)
class Published:
    """A published dimension: what it is about (one of ABOUT), which of our values its values are mapped to, and why the rest is not mapped."""

    id: str
    about: str
    values: Mapping[str, Held]
    rest: str


@lru_cache(maxsize=1)
def load_mapping() -> Mapping[str, Published]:
    """The published dimensions by id. Raises CatalogError."""
    return read_mapping(read_yaml(_path()))


def mapping_digest() -> str:
    """SHA-256 of the mapping's text."""
    return digest(_path().read_text(encoding="utf-8"))


def read_mapping(data: Any) -> Mapping[str, Published]:
    """The mapping in `data`. Raises CatalogError if it names what the catalogue does not know, or what cannot be mapped to."""
    need(data, {"dimensions": list}, FILE)
    unique_ids(data["dimensions"], FILE, "dimension")
    found = {entry.id: entry for entry in map(_published, data["dimensions"])}
    sources: dict[str, str] = {}
    for entry in found.values():
        for held in entry.values.values():
            other = sources.setdefault(held.dimension, entry.id)
            if other != entry.id:
                raise CatalogError(f"{FILE}: {entry.id} and {other} are both mapped to {held.dimension}; a user might get two of its values")
    return found


def _published(data: Any) -> Published:
    where = place(FILE, data, "dimension")
    need(data, {"id": str, "about": str, "rest": str}, where, {"values": dict})
    if data["about"] not in ABOUT:
        raise CatalogError(f"{where}: about is {data['about']!r}, wanted one of {', '.join(ABOUT)}")
    if data["about"] != "user" and data.get("values"):
        raise CatalogError(f"{where}: its values are mapped and it is not about the user; only users have preferences")
    values = {str(value): _held(entry, f"{where}, value {value}") for value, entry in data.get("values", {}).items()}
    return Published(data["id"], data["about"], values, data["rest"])


def _held(data: Any, where: str) -> Held:
    need(data, {"dimension": str, "value": str}, where)
    dimension = load_catalog().dimensions.get(data["dimension"])
    if dimension is None:
        raise CatalogError(f"{where}: the catalogue has no dimension {data['dimension']}; known are {', '.join(load_catalog().dimensions)}")
    if data["value"] not in dimension.values:
        raise CatalogError(f"{where}: {dimension.id} has no value {data['value']}; known are {', '.join(dimension.values)}")
    if not dimension.splits.issuperset(SPLITS):
        raise CatalogError(f"{where}: {dimension.id} is not a dimension of all of {', '.join(SPLITS)}; map to another, or to none")
    if any(dimension.id not in applicable_dimensions(template) for template in load_templates()):
        raise CatalogError(f"{where}: {dimension.id} does not apply to every question; map to another, or to none")
    return Held(dimension.id, data["value"])


def _path() -> Any:
    return files("generation").joinpath("data", "imported", FILE)
