"""What is good enough: reads thresholds.yaml, and holds the figures of an audit against it.

A threshold whose sample is too small is not judged, and said to be so: a release of twenty users can pass no test of evenness, and must not seem to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from persona_atlas.content import CatalogError, need, place, read_yaml, unique_ids

PASSED, FAILED, NOT_JUDGED = "passed", "failed", "not judged"


@dataclass(frozen=True)
class Threshold:
    """One limit: the figure's path, at most or at least what, the path of the sample's size and how many it takes, and why.

    `generated`: only for releases that were made here, not for imported ones.
    """

    id: str
    section: str
    title: str
    measure: str
    why: str
    most: float | None = None
    least: float | None = None
    sample: str = ""
    needs: int = 1
    generated: bool = False


@dataclass(frozen=True)
class Check:
    """A threshold held against a figure. `size`: of the sample, None where there is none."""

    threshold: Threshold
    value: float | None
    size: int | None
    state: str

    def described(self) -> dict[str, Any]:
        limit = self.threshold
        named = {"id": limit.id, "section": limit.section, "title": limit.title, "measure": limit.measure, "why": limit.why}
        bounds = {"most": limit.most, "least": limit.least, "needs": limit.needs}
        return {**named, **bounds, "value": self.value, "sample": self.size, "state": self.state}


@lru_cache(maxsize=1)
def load_thresholds() -> tuple[Threshold, ...]:
    """thresholds.yaml, read. Raises CatalogError."""
    data = read_yaml(files("generation.audit").joinpath("thresholds.yaml"))
    unique_ids(data, "thresholds.yaml", "threshold")
    found = []
    for entry in data:
        where = place("thresholds.yaml", entry, "threshold")
        keys = {"id": str, "section": str, "title": str, "measure": str, "why": str}
        need(entry, keys, where, {"most": object, "least": object, "sample": str, "needs": int, "generated": bool})
        if ("most" in entry) == ("least" in entry):
            raise CatalogError(f"{where}: wanted one of most and least; give one")
        if not isinstance(entry.get("most", entry.get("least")), int | float):
            raise CatalogError(f"{where}: its limit is no number; give one")
        found.append(Threshold(**entry))
    return tuple(found)


def figure(found: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path; of a list its length, of a truth value 0 or 1; None where nothing does."""
    here: Any = found
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return len(here) if isinstance(here, list) else int(here) if isinstance(here, bool) else here


def judged(found: Mapping[str, Any], imported: bool = False) -> list[Check]:
    """Every threshold against the figures of an audit."""
    return [_judged(threshold, found) for threshold in load_thresholds() if not (threshold.generated and imported)]


def _judged(threshold: Threshold, found: Mapping[str, Any]) -> Check:
    value, size = figure(found, threshold.measure), figure(found, threshold.sample) if threshold.sample else None
    if value is None or (threshold.sample and (size is None or size < threshold.needs)):
        return Check(threshold, value, size, NOT_JUDGED)
    too_much = threshold.most is not None and value > threshold.most
    too_little = threshold.least is not None and value < threshold.least
    return Check(threshold, value, size, FAILED if too_much or too_little else PASSED)
