"""Checks a finished run against what can be computed again: the prompts of controls, the one answer per prompt, and every number of its results.

Controls are functions of the item, so a prompt or an answer that was exchanged for another is noticed. Some controls (the baselines and `masked`)
need the target's count of tokens: unless the target is there to count, any prompt is accepted that they give for some count. The prompts of `profile`
are written by the target and not checked.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import regex

from eval_harness.baselines import BASELINES, shown_by_controls
from eval_harness.claims import Claims, named
from eval_harness.conditions import Shown, show
from eval_harness.controls import CONTROLS
from eval_harness.gold import Gold
from eval_harness.runfolder import Sample
from persona_atlas.data import Release
from persona_atlas.records import Item
from persona_atlas.short import short

COUNTING = (*BASELINES, "masked")
"""Controls whose prompts depend on how many tokens a text has for the target."""
TOLERANCE = 1e-6
"""How far a number of the results may be from the recomputed one, since sums of floats depend on the machine."""
ENDS_TOLERANCE = 1e-4
"""The same for the ends of intervals: the bootstrap's rounds are computed in single precision."""
ENDS = ("ci", "analytic_ci")
DECIMAL = regex.compile(r"-?[0-9]+\.[0-9]+")


def other_prompts(claims: Claims, items: Mapping[str, Item], release: Release, count: Callable[[str], int] | None = None) -> Iterator[str]:
    """Samples of controls whose prompt is not the one that the control gives for the item and condition.

    `count`: the target's count of tokens in a text; None if the target is not there.
    """
    gold = gold_of(claims, items, release, count)
    shown: dict[tuple[str, str], Shown | None] = {}
    for sample in claims.samples:
        if sample.arm not in CONTROLS or sample.prompt is None:
            continue
        place, item = (sample.condition, sample.item_id), items[sample.item_id]
        if place not in shown:
            shown[place] = show(sample.condition, item, release)
        seen = shown[place]
        if seen is not None and not _gives(sample, item, seen, gold, counted=count is not None):
            yield f"{named(sample.key)} has another prompt than the control gives"


def gold_of(claims: Claims, items: Mapping[str, Item], release: Release, count: Callable[[str], int] | None = None) -> Gold:
    """What the controls of the run could look at. Without a count, every conversation counts as one token: see `_gives`."""
    config = claims.config
    history_tokens, conversations = shown_by_controls(claims.optimizer, config["optimizer_args"])
    return Gold(
        release=release, split=config["split"], count_tokens=count or (lambda text: 1), seed=config["seed"], wording=config["oracle_wording"],
        conversations=conversations, history_tokens=history_tokens, items=tuple(items.values()),
    )  # fmt: skip


def _gives(sample: Sample, item: Item, shown: Shown, gold: Gold, counted: bool) -> bool:
    """Whether the control gives this prompt, or, if it depends on token counts and they are not `counted`, gives it for some number of the newest
    conversations.
    """
    control = CONTROLS[sample.arm]
    if counted or sample.arm not in COUNTING:
        return control(item, shown, gold) == sample.prompt
    most = max((len(other.history) for other in gold.items), default=0) if sample.arm == "masked" else len(shown.history)
    return any(control(item, shown, replace(gold, history_tokens=count)) == sample.prompt for count in range(most, -1, -1))


def several_answers(samples: Sequence[Sample]) -> Iterator[str]:
    """Prompts with more than one answer. Decoding is greedy and answers are cached, so a prompt has one answer in a run."""
    first: dict[str, Sample] = {}
    for sample in samples:
        if sample.prompt is None or sample.finish_reason == "error":
            continue
        other = first.setdefault(sample.prompt, sample)
        differing = [name for name in ("answer", "finish_reason", "prompt_tokens", "answer_tokens") if getattr(sample, name) != getattr(other, name)]
        if differing:
            yield f"{named(sample.key)} has the prompt of {named(other.key)}, and another {differing[0].replace('_', ' ')}"


def differing(found: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Where results differ from those computed again, as `path is X, computed again it is Y`."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted({*found, *wanted}):
            here = f"{path}.{key}".lstrip(".")
            if key in found and key in wanted:
                yield from differing(found[key], wanted[key], here)
            else:
                yield f"{here} is {'missing' if key in wanted else 'not in the results computed again'}"
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for i, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differing(*pair, f"{path}.{i}")
    elif not _same(found, wanted, path):
        yield f"{path} is {_shown(found)}, computed again it is {_shown(wanted)}"


def _same(found: Any, wanted: Any, path: str) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return found == wanted or _same_but_for_digits(found, wanted)
    if isinstance(found, bool) or isinstance(wanted, bool) or not isinstance(found, int | float) or not isinstance(wanted, int | float):
        return bool(type(found) is type(wanted) and found == wanted)
    tolerance = ENDS_TOLERANCE if any(f".{end}." in f".{path}." for end in ENDS) else TOLERANCE
    return math.isclose(found, wanted, rel_tol=0.0, abs_tol=tolerance)


def _same_but_for_digits(found: str, wanted: str) -> bool:
    """Whether two sentences differ only in the last digits of decimal numbers, which rounding can change."""
    if DECIMAL.sub("#", found) != DECIMAL.sub("#", wanted):
        return False
    ones, others = DECIMAL.findall(found), DECIMAL.findall(wanted)
    return len(ones) == len(others) and all(_near(one, other) for one, other in zip(ones, others, strict=True))


def _near(one: str, other: str) -> bool:
    return len(one) == len(other) and abs(float(one) - float(other)) < 1.5 * 10.0 ** -len(one.partition(".")[2])


def _shown(value: Any) -> str:
    return short(f"{value:.6g}" if isinstance(value, float) else str(value))


def unranked(notes: Iterable[str]) -> Iterator[str]:
    """Those notes of a run's results that say why it is not ranked, such as too many failures or too few users (MEASUREMENT 2, 8)."""
    for note in notes:
        if note.startswith("not ranked: "):
            yield note.removeprefix("not ranked: ")
