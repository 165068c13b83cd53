"""The limits of the audit: loads thresholds.yaml, and checks the figures of an audit against it.

A threshold whose sample is too small is not judged, and the result says so: a release of twenty users can pass no test of evenness, and must not
seem to.
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
    """One limit, and why it is what it is.

    `measure` is the path of the figure, `most` or `least` its limit, `sample` the path of the sample's size, and `needs` the size from which the
    figure is judged. `generated`: the threshold does not apply to imported releases.
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
    """A threshold and the figure that was checked against it. `size` is that of the sample, None if there is none."""

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
    """Load thresholds.yaml. Raises CatalogError."""
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
    """The figure at a dotted path: the length of a list, 0 or 1 for a truth value, None if there is nothing at the path."""
    here: Any = found
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return len(here) if isinstance(here, list) else int(here) if isinstance(here, bool) else here


def judged(found: Mapping[str, Any], imported: bool = False) -> list[Check]:
    """Check the figures of an audit against every threshold that applies to the release."""
    return [_judged(threshold, found) for threshold in load_thresholds() if not (threshold.generated and imported)]


def _judged(threshold: Threshold, found: Mapping[str, Any]) -> Check:
    value, size = figure(found, threshold.measure), figure(found, threshold.sample) if threshold.sample else None
    if value is None or (threshold.sample and (size is None or size < threshold.needs)):
        return Check(threshold, value, size, NOT_JUDGED)
    too_much = threshold.most is not None and value > threshold.most
    too_little = threshold.least is not None and value < threshold.least
    return Check(threshold, value, size, FAILED if too_much or too_little else PASSED)
