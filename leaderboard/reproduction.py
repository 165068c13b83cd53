"""The result of asking a target again: the record that is kept of it, and the lines that are printed.

reproductions/0aeb4dd39402ef2a.json
{"reproduction_version": 3, "run_id": "0aeb4dd39402ef2a", "accepted": true, "fraction": 0.1, "asked": 802, "agreed": 802, "begun": 802,
 "lost": 0, "seed": 3104550986310117, "mean_difference": 0.0, "groups": {"optimizer": {...}, "identity": {...}}, "band": {...}, "finds": null,
 "checked_with": {...}, "differing": [], "faults": []}

Each group says how G of its answers moved, all together and under clean:
{"asked": 200, "shift": 0.012, "spread": 0.243, "above": 5, "below": 3}     mean and deviation; how many are FAR above the answer of now, and below
If the target drifts, `finds` says what lift of the optimizer's answers under clean this reproduction would have found:
{"asked": 200, "lift": 0.088, "power": 0.8, "far": 18, "by": 0.65}          of their mean G, with this power; and so many that are FAR above, always
"""

import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval_harness.claims import named
from eval_harness.publishing import public_config
from eval_harness.runfolder import Sample
from eval_harness.submission import packages
from leaderboard.band import ENOUGH, FAR, POWER, Band
from leaderboard.compared import OPTIMIZER, Pair, allowed, is_far, spread
from leaderboard.errors import SubmissionError
from leaderboard.escape import shown
from leaderboard.submission import Submission
from persona_atlas import __version__
from persona_atlas.models.protocol import LanguageModel

REPRODUCTION_VERSION = 3
CHANGED = 50
"""A reproduction says how likely it is to ask for a changed answer again, if one answer in this many was changed."""
DIFFERING = 10
"""How many samples with differing answers a record names."""


UNDER_CLEAN = 5.0
"""How many times the share is drawn of the prompts under clean, which the rank comes from."""


@dataclass(frozen=True)
class Draw:
    """Which prompts are asked: a share of every arm's, drawn with the seed, but at least one; under clean UNDER_CLEAN times that share."""

    fraction: float
    seed: int

    def __post_init__(self) -> None:
        if not 0.0 < self.fraction <= 1.0:  # nan too
            raise SubmissionError(f"--fraction is {self.fraction:g}, wanted a share of the prompts above 0 and up to 1, for example 0.1")
        if self.seed < 0:
            raise SubmissionError(f"--seed is {self.seed}, wanted 0 or more")

    def of(self, prompts: int, clean: bool = False) -> int:
        """Return how many of an arm's distinct prompts are asked."""
        share = min(1.0, self.fraction * UNDER_CLEAN) if clean else self.fraction
        return max(min(prompts, 1), math.ceil(share * prompts - 1e-9))

    def chance(self, changed: int, prompts: int, clean: int = 0) -> float:
        """Return the chance that at least one of `changed` answers is asked again, of an arm with `prompts` distinct prompts, of which `clean` are
        under clean. Any answer is as likely to be changed as another.
        """
        asked = self.of(clean, clean=True) + self.of(prompts - clean)
        return 1.0 - math.comb(prompts - changed, asked) / math.comb(prompts, asked)


def different(samples: Iterable[Sample]) -> dict[str, dict[str, Sample]]:
    """Return, by arm, each distinct prompt that was answered, with the first sample that has it."""
    prompts: dict[str, dict[str, Sample]] = {}
    for sample in samples:
        if sample.prompt is not None and sample.finish_reason != "error":
            prompts.setdefault(sample.arm, {}).setdefault(sample.prompt, sample)
    return prompts


@dataclass(frozen=True)
class Reproduction:
    """The result of asking a target again.

    `groups`: the pairs of the optimizer and of each control. `lost`: how many prompts were lost. `faults`: where it leaves the band, and controls
    whose prompts are not what they should be.
    """

    path: Path
    found: Submission
    draw: Draw
    model: LanguageModel
    model_args: str
    band: Band
    groups: Mapping[str, Sequence[Pair]]
    lost: int
    faults: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        return not self.faults

    @property
    def pairs(self) -> list[Pair]:
        return [pair for pairs in self.groups.values() for pair in pairs]

    def record(self) -> dict[str, Any]:
        """Return what is kept. `mean_difference`: how far apart G of an answer is on average; `begun`: how many answers begin alike."""
        pairs = self.pairs
        differing = [pair.sample.key for pair in pairs if not pair.same]
        return {
            "reproduction_version": REPRODUCTION_VERSION,
            "run_id": self.found.record["run_id"],
            "accepted": self.accepted,
            "fraction": self.draw.fraction,
            "asked": len(pairs),
            "agreed": len(pairs) - len(differing),
            "begun": sum(pair.begun for pair in pairs),
            "lost": self.lost,
            "seed": self.draw.seed,
            "mean_difference": round(spread([abs(p.difference) for p in pairs if p.difference is not None]).mean, 6),
            "groups": {name: _group(mine) for name, mine in self.groups.items()},
            "band": asdict(self.band),
            "finds": self.finds(),
            "checked_with": self._checked_with(),
            "differing": [key._asdict() for key in differing[:DIFFERING]],
            "faults": list(self.faults),
        }

    def finds(self) -> dict[str, Any] | None:
        """Return which lift of the optimizer's answers under clean would have been found. None if the target does not drift, where any would, or if
        too few answers have a G.
        """
        number = len(_moved(pair for pair in self.groups[OPTIMIZER] if pair.sample.condition == "clean"))
        if not self.band.drifts or number < ENOUGH:
            return None
        most = allowed(self.band, number)
        return {"asked": number, "lift": round(most.found, 6), "power": POWER, "far": most.far + 1, "by": FAR}

    def _checked_with(self) -> dict[str, Any]:
        """Return versions, target and platform, without paths and secrets of this machine."""
        said = public_config({"model_args": self.model_args, "model_fingerprint": self.model.fingerprint, "optimizer_args": {}})
        model = {"name": self.model.name, "args": said["model_args"], "fingerprint": said["model_fingerprint"]}
        versions = {"persona_atlas": __version__, "python": platform.python_version(), **dict(packages())}
        return {"versions": versions, "model": model, "platform": platform.platform()}


def _moved(pairs: Iterable[Pair]) -> list[float]:
    return [pair.difference for pair in pairs if pair.difference is not None]


def _group(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the record of a group. `shift`: mean G as submitted minus that of the new answers."""
    alike = {"agreed": sum(pair.same for pair in pairs), "begun": sum(pair.begun for pair in pairs)}
    return {**_drift(pairs), **alike, "clean": _drift([pair for pair in pairs if pair.sample.condition == "clean"])}


def _drift(pairs: Sequence[Pair]) -> dict[str, Any]:
    moved = _moved(pairs)
    found = spread(moved)
    above, below = (sum(is_far(side * one) for one in moved) for side in (1, -1))
    deviation = found.error * math.sqrt(found.number)
    return {"asked": len(pairs), "shift": round(found.mean, 6), "spread": round(deviation, 6), "above": above, "below": below}


def lines(made: Reproduction) -> Iterator[str]:
    """Yield the lines for a terminal, the verdict first."""
    optimizer, model = shown(made.found.claims.optimizer), shown(str(made.found.config["model"]))
    yield f"{shown(str(made.path))}: {'reproduced' if made.accepted else 'not reproduced'}, {optimizer} on {model}"
    yield f"  {len(made.pairs):,} prompts asked again (fraction {made.draw.fraction:g}, seed {made.draw.seed})"
    for name, pairs in made.groups.items():
        found = _group(pairs)
        yield f"  {name}: {found['agreed']:,} of {found['asked']:,} answers the same, {found['begun']:,} begin alike, G {found['shift']:+.3f}"
    yield f"  band: {made.band.same:.0%} the same, {made.band.begun:.0%} begin alike ({made.band.measured})"
    if made.accepted and made.band.same == 1.0:
        own = different(made.found.samples)[made.found.claims.optimizer].values()
        prompts, clean = len(own), sum(sample.condition == "clean" for sample in own)
        few = math.ceil(prompts / CHANGED)
        chance = made.draw.chance(few, prompts, clean)
        yield f"  had {few} of the optimizer's {prompts:,} answers been changed, one would have been asked with a chance of {chance:.0%}"
    if finds := made.finds():
        yield (
            f"  a lift of the optimizer's mean G under clean by {finds['lift']:.3f} is found with a chance of {POWER:.0%}, "
            f"and {finds['far']} of its {finds['asked']} answers {FAR} above what they were always"
        )
    for fault in made.faults:
        yield f"  wrong: {fault}"
    if not made.accepted:
        yield f"  differing: {shown('; '.join(named(pair.sample.key) for pair in made.pairs if not pair.same), 2000)}"


def as_text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
