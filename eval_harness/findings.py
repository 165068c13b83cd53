"""What a run found, in sentences: for the terminal, the pages and the Markdown export. Also how numbers and intervals are written in text."""

from collections.abc import Iterator, Mapping
from typing import Any

SIDE_EFFECTS = {"lured": "Overpersonalization (lures shown, beyond identity)", "intrusion": "Intrusion (facts of a life, beyond identity)"}
UNKNOWN: Mapping[str, Any] = {"mean": None}
"""Stands for a figure that results of an older version do not have."""

MARGIN, CEILING = 0.02, 0.3
"""Task is held if the lower bound of its difference from identity is above -MARGIN. Nothing is claimed on a target where no arm solves at least
CEILING of the tasks.
"""

ROBUSTNESS = "Robustness: G at each level, how much of it is retained, and D, how the lead over identity changes"
"""What stands above the tables of `levels`."""


def findings(results: Mapping[str, Any]) -> list[str]:
    """Sentences about the paired differences, headroom, power, side effects, cost, failures and notes."""
    parts = (_differences, _task_held, _ends, _ledger, _left_out, _leaked, _beside, _harmed, _answered_again, _cost)
    lines = [line for part in parts for line in part(results)]
    lines += [f"Failures of the optimizer, {reason}: {count}" for reason, count in results["failures"].items()]
    return lines + [f"Note: {note}" for note in results["notes"]]


def _differences(results: Mapping[str, Any]) -> Iterator[str]:
    """The paired differences from identity on the ranked axes, and the tests of them (MEASUREMENT 8)."""
    own = results["differences"].get(results["optimizer"], {}).get("clean", {})
    for axis in ("personalization", "task"):
        if own and own[axis]["mean"] is not None:
            yield f"{results['optimizer']} − identity, {axis}: {signed(own[axis])}, paired by item"
    if tested := [test for test in results.get("tests", ()) if test["p"] is not None]:
        said = ", ".join(f"{test['axis']} over {test['over']} {chance(test['p'])}" for test in tested)
        yield f"p after Holm over {len(tested)} tests: {said}"


def _task_held(results: Mapping[str, Any]) -> Iterator[str]:
    """Whether task is not lower than identity's (MEASUREMENT 4). On a target that solves too few tasks, nothing can be claimed."""
    own = results["differences"].get(results["optimizer"], {}).get("clean", {})
    if not own or own["task"]["ci"] is None:
        return
    ceiling = max(conditions["clean"]["task"]["mean"] or 0.0 for conditions in results["arms"].values())
    if ceiling < CEILING:
        yield f"Of task nothing can be claimed on this target: no arm solves more than {ceiling:.2f}, wanted {CEILING:.2f}"
    elif own["task"]["ci"][0] > -MARGIN:
        yield f"Task is not lower than identity's by {MARGIN:.2f} or more"
    else:
        yield f"That task is not lower than identity's by {MARGIN:.2f} or more is not shown"


def _ends(results: Mapping[str, Any]) -> Iterator[str]:
    """How far the optimizer is on the way to the oracle, and which effect the run would find (MEASUREMENT 6, 8)."""
    if results["headroom"]:
        yield f"Headroom recovered: {_headroom(results['headroom'])}"
    if results["minimum_detectable_effect"] is not None:
        yield f"Smallest effect on G that this run would find with 80 % power: {results['minimum_detectable_effect']:.3f}"


def _headroom(ratio: Mapping[str, Any]) -> str:
    if ratio["value"] is None or ratio["ci"] is None:
        return str(ratio["note"]) if ratio["value"] is None else f"{ratio['value']:z.2f} ({ratio['note']})"
    return f"{ratio['value']:z.2f} [{ratio['ci'][0]:z.2f}, {ratio['ci'][1]:z.2f}] of the way from identity to oracle (Fieller interval)"


def _ledger(results: Mapping[str, Any]) -> Iterator[str]:
    """G over the values that the history reveals, does not reveal and contradicts. The second should be 0, and detects leaks (MEASUREMENT 4)."""
    scores = results["scores"]
    known, unknown = (scores[f"personalization_{state}"] for state in ("revealed", "unrevealed"))
    against = scores.get("personalization_contradicted", UNKNOWN)
    if known["mean"] is not None or unknown["mean"] is not None:
        yield f"G over what the history reveals: {in_words(known)}, over what it does not: {in_words(unknown)}"
    if against["mean"] is not None:
        yield f"G over what the history contradicts: {in_words(against)}, in {against['n_items']} of {scores['personalization']['n_items']} items"
    if unknown["ci"] and unknown["ci"][0] > 0 and results["optimizer"] != "oracle":
        yield "Warning: G over what the history does not reveal is above 0, which is a leak, or chance"


def _left_out(results: Mapping[str, Any]) -> Iterator[str]:
    """The range of G when any one dimension is left out (MEASUREMENT 8)."""
    means = results["without_one_dimension"]
    if len(means) < 2:
        return
    least, *_, most = sorted(means, key=lambda name: float(means[name]))
    low, high = f"{means[least]:z.2f}", f"{means[most]:z.2f}"
    yield f"With any one dimension left out, G is {low}" + (f" (without {least}) to {high} (without {most})" if low != high else "")


def _leaked(results: Mapping[str, Any]) -> Iterator[str]:
    """How many of the prompts answer the question themselves, if any do, and under which condition most of them do (MEASUREMENT 4)."""
    shares = {condition: axes.get("leak", UNKNOWN)["mean"] or 0.0 for condition, axes in results["arms"][results["optimizer"]].items()}
    most = max(shares, key=lambda condition: shares[condition])
    if shares[most] == 0.0:
        return
    more = f" ({_share(shares[most])} under {most})" if shares[most] > shares["clean"] else ""
    yield f"Leak: {_share(shares['clean'])} of the prompts answer the question themselves{more}; G is at most 0 there, task at most identity's"


def _beside(results: Mapping[str, Any]) -> Iterator[str]:
    """What is reported beside the headline, if it was measured: side effects, and the profile (MEASUREMENT 4)."""
    own = results["differences"].get(results["optimizer"], {}).get("clean", {})
    for axis, name in SIDE_EFFECTS.items():
        if own.get(axis, UNKNOWN)["mean"] is not None:
            yield f"{name}: {signed(own[axis])}"
    stale, bare = (found.get("stale", UNKNOWN) for found in (results["scores"], results["arms"].get("identity", {}).get("clean", {})))
    if stale["mean"] is not None:
        beside = f", identity's {in_words(bare)}" if results["optimizer"] != "identity" else ""
        some = f"in {stale['n_items']} of {results['scores']['responsive']['n_items']} items"
        yield f"Stale (replaced values that answers still show): {in_words(stale)}{beside}, {some}"
    if results["nothing_to_personalize"]["beyond_placebo"]["mean"] is not None:
        yield f"Changed where there is nothing to personalize, beyond placebo: {signed(results['nothing_to_personalize']['beyond_placebo'])}"
    if results["scores"].get("profile_f1", UNKNOWN)["mean"] is not None:
        yield f"Profile, F1 of its entries: {in_words(results['scores']['profile_f1'])}"


def _harmed(results: Mapping[str, Any]) -> Iterator[str]:
    """The share of users who fare worse than with the bare query, beside the same share for placebo, a wrapper without meaning (MEASUREMENT 8)."""
    own, placebo = results["harm"].get(results["optimizer"]), results["harm"].get("placebo")
    if own is not None and placebo is not None and results["optimizer"] != "placebo":
        yield f"Users who fare worse than with their bare query: {own:.1%}, with placebo {placebo:.1%}"
    elif own is not None:
        yield f"Users who fare worse than with their bare query: {own:.1%}"


def _answered_again(results: Mapping[str, Any]) -> Iterator[str]:
    """How much the target's answers vary by themselves, if some were given again."""
    for arm, spread in (results["repeats"] or {}).items():
        if spread["same_answer"] is None:
            yield f"Answers of {arm} given again: all are missing"
            continue
        yield (
            f"Answers of {arm} given again: {spread['same_answer']:.0%} are the same; within an item the standard deviation of G is "
            f"{spread['personalization'] or 0:.3f}, of task {spread['task'] or 0:.3f} ({spread['items']} items)"
        )


def _cost(results: Mapping[str, Any]) -> Iterator[str]:
    cost = results["cost"].get(results["optimizer"])
    if cost and None not in (cost["over_query"], cost["prompt_tokens"]):
        calls = f", {cost['calls']:.1f} own calls of the target for {cost['tokens'] or 0:,.0f} tokens" if cost["calls"] else ""
        yield f"Track {results['track']}: {cost['prompt_tokens']:.0f} tokens a prompt, {cost['over_query']:.1f} times the query{calls}"


def levels(family: Mapping[str, Any], optimizer: str) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]]:
    """The conditions of a family, each with the optimizer's G and with D, how its lead over identity changes (MEASUREMENT 5); no D at the first."""
    return [(condition, interval, family["lost"].get(condition)) for condition, interval in family["curves"].get(optimizer, {}).items()]


def retained(family: Mapping[str, Any]) -> str:
    """A (MEASUREMENT 5) in percent with its interval, or why there is none."""
    found = family["retained"]
    if found["value"] is None:
        return str(found["note"])
    low_high = f" [{100 * found['ci'][0]:z.0f} %, {100 * found['ci'][1]:z.0f} %]" if found["ci"] else ""
    return f"{100 * found['value']:z.0f} %{low_high}"


def in_words(interval: Mapping[str, Any]) -> str:
    """A mean with its interval, as `0.31 [0.20, 0.42]`."""
    if interval["ci"] is None or interval["mean"] is None:
        return mean(interval)
    low, high = interval["ci"]
    return f"{interval['mean']:z.2f} [{low:z.2f}, {high:z.2f}]"


def signed(interval: Mapping[str, Any] | None) -> str:
    """A difference with its interval, as `+0.060 [-0.032, +0.164]`; empty if there is none at all."""
    if interval is None or interval["mean"] is None:
        return "" if interval is None else "–"
    low_high = f" [{interval['ci'][0]:+.3f}, {interval['ci'][1]:+.3f}]" if interval["ci"] else ""
    return f"{interval['mean']:+.3f}{low_high}"


def mean(interval: Mapping[str, Any]) -> str:
    return "–" if interval["mean"] is None else f"{interval['mean']:z.2f}"


def chance(p: float | None) -> str:
    """A p-value with three decimals, as every table and page shows it."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _share(value: float) -> str:
    return f"{value:.1%}" if value == 0.0 or value >= 0.001 else "less than 0.1%"
