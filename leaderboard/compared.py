"""Compares a submission's answers with those that the target gives now: which are the same, which begin alike, and how far apart their scores are."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from eval_harness.claims import named
from eval_harness.runfolder import Sample
from leaderboard.band import ENOUGH, ERRORS, FAR, LENIENT, POWER, RARE, STRICT, Band, beginning
from leaderboard.escape import shown
from persona_atlas.models.protocol import Generation
from persona_atlas.records import Item
from persona_atlas.scoring import score

AXES = {"personalization": "personalization", "task": "task", "responsive": "g", "met": "met", "hard_ok": "hard_ok", "lured": "lured"}
"""Published score of an answer -> its field in `Scores`."""
OPTIMIZER = "optimizer"
"""The group of the optimizer's pairs. The group of a control has the control's name."""
OWN = (OPTIMIZER, f"{OPTIMIZER} under clean")
"""The parts of `parts_of` that are the optimizer's."""
CONTROLS = "the controls"
SAID = 3
"""How many samples a fault names at most."""


@dataclass(frozen=True)
class Pair:
    """A sample, and the answer that its prompt gets now.

    `differences`: axis -> the sample's score minus that of the new answer, for the axes on which both have one.
    """

    sample: Sample
    now: Generation
    differences: Mapping[str, float]

    @property
    def difference(self) -> float | None:
        """The difference in G; None if the item has no gold."""
        return self.differences.get("personalization")

    @property
    def same(self) -> bool:
        """Whether the two answers and the reasons why they ended are equal."""
        return (self.sample.answer, self.sample.finish_reason) == (self.now.text, self.now.finish_reason)

    @property
    def begun(self) -> bool:
        """Whether the two answers begin alike (band.beginning)."""
        return self.same or beginning(self.sample.answer) == beginning(self.now.text)


def paired(sample: Sample, now: Generation, item: Item) -> Pair:
    """Score both answers on the item and return the pair."""
    there, here = score(item, sample.answer, sample.finish_reason), score(item, now.text, now.finish_reason)
    both = {axis: (getattr(there, field), getattr(here, field)) for axis, field in AXES.items()}
    return Pair(sample, now, {axis: float(one) - float(other) for axis, (one, other) in both.items() if one is not None and other is not None})


@dataclass(frozen=True)
class Spread:
    """The mean of some differences, its standard error, and their number. All three are 0 if there are none."""

    mean: float
    error: float
    number: int

    def beyond(self, most: float) -> bool:
        """Whether the mean is beyond `most` by more than chance explains. With fewer than ENOUGH differences it never is, unless `most` is 0."""
        return abs(self.mean) - ERRORS * self.error > most + 1e-9 and (self.number >= ENOUGH or most == 0.0)


def spread(found: Sequence[float]) -> Spread:
    """Return the mean of the differences with its standard error, which is 0 for a single one."""
    if not found:
        return Spread(0.0, 0.0, 0)
    mean = sum(found) / len(found)
    variance = sum((one - mean) ** 2 for one in found) / max(len(found) - 1, 1)
    return Spread(mean, math.sqrt(variance / len(found)), len(found))


def fewest(number: int, share: float, rare: float = RARE) -> int:
    """Return the least count, out of `number` answers, that passes if a target gives a `share` of them: the binomial quantile at `rare`."""
    from scipy.stats import binom

    return int(binom.ppf(rare, number, share)) if share < 1.0 else number


def is_far(difference: float) -> bool:
    """Whether an answer is FAR above another, G of which is lower by `difference`."""
    return difference >= FAR - 1e-9


@dataclass(frozen=True)
class Allowed:
    """What drift alone explains, of `number` answers: `lift`, how far their mean G may be above that of the answers of now, and `far`, how many of
    them may be FAR above.

    Both come from the drift that was measured, and not from the differences at hand, which a few large lifts would themselves widen. The mean has a
    standard error of the band's spread / √number, of which some are allowed, but never less than the band's shift. How many are far is binomial.
    """

    lift: float
    far: int
    found: float
    """The lift of the mean that at least POWER of draws detect; `far` + 1 answers FAR above are always detected."""


def allowed(band: Band, number: int, limits: tuple[float, float] = STRICT) -> Allowed:
    """Return what is allowed of `number` answers. `limits`: STRICT or LENIENT."""
    from scipy.stats import norm

    errors, rare = limits
    error = band.spread / math.sqrt(number)
    lift = max(band.shift, errors * error)
    return Allowed(lift, number - fewest(number, 1.0 - band.far, rare), lift + float(norm.ppf(POWER)) * error)


def parts_of(groups: Mapping[str, Sequence[Pair]]) -> dict[str, Sequence[Pair]]:
    """Return the groups that must be within the band: each arm; all controls together, since small deviations add up; and again the part of each that
    was asked under clean, which the rank comes from.
    """
    controls = [pairs for name, pairs in groups.items() if name != OPTIMIZER]
    whole = {**groups, **({CONTROLS: list(chain(*controls))} if len(controls) > 1 else {})}
    clean = {name: [pair for pair in pairs if pair.sample.condition == "clean"] for name, pairs in whole.items()}
    return {**whole, **{f"{name} under clean": pairs for name, pairs in clean.items() if len(pairs) < len(whole[name])}}


def outside(groups: Mapping[str, Sequence[Pair]], band: Band) -> Iterator[str]:
    """Yield a sentence for each way in which a group of `parts_of` is outside the band. `groups`: OPTIMIZER, and each control by its name."""
    for name, pairs in parts_of(groups).items():
        for what, wanted, alike in (
            ("are the same", band.same, [pair.same for pair in pairs]),
            ("begin alike", band.begun, [pair.begun for pair in pairs]),
        ):
            if sum(alike) < fewest(len(alike), wanted):
                first = [named(pair.sample.key) for pair, one in zip(pairs, alike, strict=True) if not one][:SAID]
                yield f"{sum(alike)} of {len(alike)} answers of {shown(name)} {what}, wanted {wanted:.0%}; others are {shown(', '.join(first), 1000)}"
        for axis in AXES:
            found = spread([pair.differences[axis] for pair in pairs if axis in pair.differences])
            if found.beyond(band.shift):
                what = "G" if axis == "personalization" else axis
                yield f"{what} of {shown(name)} is {found.mean:+.3f} against what the answers of now give, wanted at most {band.shift:.2f} apart"
        yield from _favoured(name, pairs, band)
        counts = [pair for pair in pairs if pair.sample.prompt_tokens != pair.now.prompt_tokens]
        if counts:
            yield f"{len(counts)} prompts of {shown(name)} have another number of tokens, the first {shown(named(counts[0].sample.key))}"
        lengths = [pair for pair in pairs if pair.same and pair.sample.answer_tokens != pair.now.answer_tokens]
        if lengths:
            yield f"{len(lengths)} answers of {shown(name)} have another number of tokens, the first {shown(named(lengths[0].sample.key))}"
        apart = spread([abs(pair.difference) for pair in pairs if pair.difference is not None])
        if apart.beyond(band.apart):
            yield f"G of an answer of {shown(name)} differs by {apart.mean:.3f} in the mean, wanted at most {band.apart:.2f}"


def _favoured(name: str, pairs: Sequence[Pair], band: Band) -> Iterator[str]:
    """Yield a fault if answers of a target that drifts have another G than drift explains, in the direction that is in the optimizer's favour: its
    own are above those of now, or a control's below.
    """
    own = name in OWN
    gains = [pair.difference if own else -pair.difference for pair in pairs if pair.difference is not None]
    if not band.drifts or len(gains) < ENOUGH:
        return
    ranked = own and all(pair.sample.condition == "clean" for pair in pairs)
    most = allowed(band, len(gains), STRICT if ranked else LENIENT)
    mean, far = sum(gains) / len(gains), sum(map(is_far, gains))
    side = "above" if own else "below"
    if mean > most.lift:
        yield f"G of {shown(name)} is {mean:.3f} {side} what the answers of now give, drift explains at most {most.lift:.3f}"
    if far > most.far:
        yield f"G of {far} of {len(gains)} answers of {shown(name)} is {FAR} or more {side} that of now, drift explains at most {most.far}"
