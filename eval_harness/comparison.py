"""Compares finished runs: every pair, which of them cannot be told apart, and which effect a larger release would find."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from eval_harness import statistics
from eval_harness.breakdown import RANKED, track_of
from eval_harness.errors import EvalError, nearest
from eval_harness.finished import SAME, Run, check_samples, refuse_gate
from eval_harness.recomputed import unranked
from eval_harness.results import FEWEST, notes
from eval_harness.scores import score_samples
from eval_harness.table import Plan, Table, as_plain
from persona_atlas.data import Release
from persona_atlas.short import short


def compare(runs: Sequence[Run], release: Release, axis: str, only: str | None = None, condition: str = "clean") -> dict[str, Any]:
    """Compare runs of one target on one release under a condition: every pair, and the groups of runs that cannot be told apart.

    `only` restricts the comparison to one track. Runs that must not be ranked are in no group, and `not_ranked` gives the reasons: a run's own, or
    that so few users and templates are compared, or that the axis is not one of RANKED. Raises EvalError.
    """
    _check_alike(runs)
    for run in runs:
        if condition not in run.plan.conditions:
            raise nearest(f"condition in {run.path}", condition, run.plan.conditions)
        check_samples(run, run.items(release), release)
    tracks = {run.path: track_of(run.plan.optimizer, run.samples) for run in runs}
    entered = [run for run in runs if only in (None, tracks[run.path])]
    if len(entered) < 2:
        raise EvalError(f"the track {only} has {len(entered)} of the {len(runs)} runs; two are needed to compare")
    names, table = labels(entered), _table(entered, release, condition)
    columns = _where_all_have_one({name: table.column(name, condition, axis) for name in names})
    comparisons = statistics.compare_all(table.user, table.template, columns, table.weights)
    means = {name: as_plain(found) for name, found in table.intervals(columns).items()}
    why = {name: list(_not_ranked(run, release, axis, means[name])) for name, run in zip(names, entered, strict=True)}
    ranked = {name: found["mean"] for name, found in means.items() if found["mean"] is not None and not why[name]}
    raw = {f"{one.first} − {one.second}": statistics.p_value(one.difference) for one in comparisons}
    adjusted = statistics.holm({pair: p for pair, p in raw.items() if p is not None})
    return {
        "axis": axis,
        "condition": condition,
        "tracks": {name: tracks[run.path] for name, run in zip(names, entered, strict=True)},
        "means": means,
        "groups": statistics.tie_groups(ranked, comparisons),
        "not_ranked": {name: reasons for name, reasons in why.items() if reasons},
        "pairs": [
            {
                "first": one.first, "second": one.second, "difference": one.difference.mean, "ci": one.difference.ci,
                "simultaneous_ci": one.simultaneous, "p": adjusted.get(f"{one.first} − {one.second}"),
                "wins": one.wins, "ties": one.ties, "losses": one.losses, "tied": one.tied,
            }
            for one in comparisons
        ],
    }  # fmt: skip


def _not_ranked(run: Run, release: Release, axis: str, compared: Mapping[str, Any]) -> Iterator[str]:
    """Why a run has no place on an axis. `compared`: its mean there, over the items that all runs have, which can be fewer than its own G has."""
    own = list(unranked(notes(run.plan, run.samples, run.items(release))))
    users, templates = compared["n_users"], compared["n_templates"]
    yield from own
    if not own and min(users, templates) < FEWEST:
        yield f"{users} users and {templates} templates are compared, ranking needs {FEWEST} of each"
    if axis not in RANKED:
        yield f"{axis} is reported and never ranked; places are given for {' and '.join(RANKED)}"


def _where_all_have_one(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns, with an item that is NaN in one set to NaN in all, so that means and differences are over the same items."""
    lacking = np.isnan(np.array(list(columns.values()))).any(axis=0)
    return {name: np.where(lacking, np.nan, column) for name, column in columns.items()}


def labels(runs: Sequence[Run]) -> list[str]:
    """One name per run: its optimizer, followed by the folder if several runs have the same optimizer."""
    names = [run.plan.optimizer for run in runs]
    return [name if names.count(name) == 1 else f"{name} ({run.path})" for name, run in zip(names, runs, strict=True)]


def _check_alike(runs: Sequence[Run]) -> None:
    for run in runs:
        refuse_gate(run.path, run.config)
    first = runs[0]
    for other in runs[1:]:
        differing = [key for key in SAME if first.config[key] != other.config[key]]
        if differing:
            what = ", ".join(f"{key} ({' and '.join(short(str(run.config[key]), 40, 16) for run in (first, other))})" for key in differing)
            raise EvalError(
                f"{first.path} and {other.path} differ in {what}; only runs of one target on the same items, with one scorer, can be compared: "
                "run the one again as the other"
            )


def _table(runs: Sequence[Run], release: Release, condition: str) -> Table:
    """The scores of each run's own optimizer under a condition, with the run's label as the arm."""
    items = runs[0].items(release)
    by_id = {item.item_id: item for item in items}
    scores = {}
    for name, run in zip(labels(runs), runs, strict=True):
        asked = [sample for sample in run.samples if sample.condition == condition and sample.arm in (run.plan.optimizer, "identity")]
        scores.update({(name, c, item): found for (arm, c, item), found in score_samples(asked, by_id, release).items() if arm == run.plan.optimizer})
    return Table(Plan("", (), (condition,), runs[0].config["model"], runs[0].config["split"], runs[0].config["seed"]), items, scores, release)


def power(run: Run, release: Release, users: Sequence[int], templates: Sequence[int], axis: str) -> dict[str, Any]:
    """The smallest paired difference from identity that each number of users and templates would find with 80 % power. Raises EvalError."""
    refuse_gate(run.path, run.config)
    items = run.items(release)
    check_samples(run, items, release)
    scores = score_samples(run.samples, {item.item_id: item for item in items}, release)
    table = Table(run.plan, items, scores, release)
    own = table.column(run.plan.optimizer, "clean", axis)
    if run.plan.optimizer != "identity":
        own = own - table.column("identity", "clean", axis)
    found = statistics.power(table.user, table.template, own)
    if found is None:
        raise EvalError(f"{run.path} has fewer than two users or templates: how scores vary between them cannot be told; run it on more")
    sizes = [{"users": u, "templates": t, "effect": found.detectable(u, t)} for u in users for t in templates]
    return {"axis": axis, "users": found.users, "templates": found.templates, "here": found.detectable(), "sizes": sizes}
