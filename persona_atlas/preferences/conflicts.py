"""The conflict table: which dimensions and hard constraints a user may have together, and what a task must contain for a dimension to apply.

>>> load_conflicts().allow({"structure", "spelling"}, {"screen_reader"})
False
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from persona_atlas.content import CatalogError, need, read_yaml
from persona_atlas.preferences.catalog import Catalog, load_catalog

FILE = "conflicts.yaml"
NEEDS = ("quantity", "time_of_day", "date", "money", "cost", "time", "alternative", "analogy", "code")


@dataclass(frozen=True)
class AtMost:
    """A user with the dimension `dimension` may have at most `number` of the dimensions `others`."""

    dimension: str
    others: frozenset[str]
    number: int


@dataclass(frozen=True)
class Conflicts:
    """The table.

    `excludes` maps a hard constraint to the dimensions in which it leaves no choice. Of each group of hard constraints in `one_of` a user has at most
    one. `needs` maps a dimension to what a task must contain for it: one of NEEDS.
    """

    at_most: tuple[AtMost, ...]
    excludes: Mapping[str, frozenset[str]]
    one_of: tuple[frozenset[str], ...]
    needs: Mapping[str, str]

    def allow(self, dimensions: Set[str], hard: Set[str] = frozenset()) -> bool:
        """Whether one user may have these dimensions and hard constraints."""
        crowded = any(rule.dimension in dimensions and len(dimensions & rule.others) > rule.number for rule in self.at_most)
        forced = any(dimensions & self.excludes.get(constraint, frozenset()) for constraint in hard)
        return not crowded and not forced and all(len(hard & group) <= 1 for group in self.one_of)


@lru_cache(maxsize=1)
def load_conflicts() -> Conflicts:
    """The table that ships with the package. Raises CatalogError."""
    return read_conflicts(read_yaml(files("persona_atlas.preferences").joinpath(FILE)), load_catalog())


def read_conflicts(data: Any, catalog: Catalog) -> Conflicts:
    """Read the table from `data`. Raises CatalogError if it names something that `catalog` does not have."""
    need(data, {"at_most": list, "excludes": dict, "one_of": list, "needs": dict}, FILE)
    for rule in data["at_most"]:
        need(rule, {"with": str, "of": list, "at_most": int}, f"{FILE}, at_most")
    found = Conflicts(
        at_most=tuple(AtMost(rule["with"], frozenset(rule["of"]), rule["at_most"]) for rule in data["at_most"]),
        excludes={constraint: frozenset(dimensions) for constraint, dimensions in data["excludes"].items()},
        one_of=tuple(frozenset(group) for group in data["one_of"]),
        needs=dict(data["needs"]),
    )
    dimensions = {name for rule in found.at_most for name in (rule.dimension, *rule.others)} | set(found.needs)
    _known(dimensions.union(*found.excludes.values()), catalog.dimensions, "dimension")
    _known(set(found.excludes).union(*found.one_of), catalog.hard, "hard constraint")
    _known(set(found.needs.values()), dict.fromkeys(NEEDS), "need")
    return found


def _known(names: Set[str], known: Mapping[str, Any], what: str) -> None:
    if strange := sorted(names - set(known)):
        raise CatalogError(f"{FILE}: there is no {what} {strange[0]!r}; known are {', '.join(known)}")
