"""Tables of the leaderboard: the entries of one release, scorer and suite, with their places, and the controls they ran beside.

Entries are compared within one target only, paired by item, and share places in the groups of `atlas-eval compare`. An entry whose reproduction
failed is doubted: it has a row, but no place, and the others are not compared with it. A control has one row per target, since runs with the same
seed, wording and length of history ask the same of it. The row is that of its own entry if the control was submitted, else it comes from the entry
that was accepted first, preferably one with the usual settings, and then one whose answers were asked for again; from a doubted one only where there
is no other. A target goes by the name that most of its entries give it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from eval_harness import statistics, table
from eval_harness.baselines import shown_by_controls
from eval_harness.claims import SIMULATED
from eval_harness.controls import KNOWN
from eval_harness.gold import CONVERSATIONS, HISTORY_TOKENS
from eval_harness.suites import LONG_ANSWERS
from eval_harness.wordings import wording_of
from leaderboard.cache import Cache, key_of_ties
from leaderboard.entry import Board, Entry, Target
from leaderboard.escape import shown
from leaderboard.placed import UNPLACED
from leaderboard.target import OURS
from persona_atlas.randomness import digest
from persona_atlas.records import Item

NOISE = ("surface", "incomplete", "ambiguous")
"""The families of conditions whose retained shares are averaged in the column for noise."""
SPARSITY = "thinner history"
DOUBTED = "of a run that was not reproduced"
"""What the row of a control says if its answers come from such a run."""
Interval = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of a table. Intervals have `mean` and `ci`; what was not measured is None. `entry` is None for a control that ran beside, and
    `settings` are then those of its run that are not the usual ones. `doubted`: the entry's reproduction failed.
    """

    kind: str
    arm: str
    target: str
    g: Interval
    task: Interval
    responsive: float | None
    over: Interval | None
    tokens: float | None
    over_query: float | None
    curves: Mapping[str, Any] = field(repr=False)
    noise: float | None = None
    sparsity: float | None = None
    entry: Entry | None = None
    place: int | None = None
    tied: bool = False
    doubted: bool = False
    settings: str = ""

    @property
    def placed(self) -> bool:
        """Whether this is an entry that has a place: no control, submitted or beside, and not doubted."""
        return self.place is not None


@dataclass(frozen=True)
class Standing:
    """One table. `rows` are ordered by target and G; `targets` are the targets' names, those with the most entries first."""

    board: Board
    targets: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def entries(self) -> list[Row]:
        return [row for row in self.rows if row.entry is not None]


@cache
def words() -> dict[str, Any]:
    """Return the texts of the site (words.yaml)."""
    import yaml

    found: dict[str, Any] = yaml.safe_load(files("leaderboard").joinpath("words.yaml").read_text(encoding="utf-8"))
    return found


def standings(
    entries: Sequence[Entry],
    items: Mapping[str, Mapping[str, Item]],
    first: Sequence[Board],
    kept: Cache,
    trusted: Collection[str] = (),
    doubted: Collection[str] = (),
) -> list[Standing]:
    """Return one table for each board in `first`, even if it is empty, then one for every other board that an entry belongs to.

    `entries` are in order of acceptance. `items`: release digest -> item id -> item. `trusted`: the runs from which controls are preferably taken.
    `doubted`: those that have no place, and from which controls are taken only where there is no other.
    """
    by_board: dict[Board, list[Entry]] = {board: [] for board in first}
    for entry in entries:
        by_board.setdefault(entry.board, []).append(entry)
    return [_standing(board, mine, items.get(board.dataset_digest, {}), kept, trusted, doubted) for board, mine in by_board.items()]


def _standing(
    board: Board, entries: Sequence[Entry], items: Mapping[str, Item], kept: Cache, trusted: Collection[str], doubted: Collection[str]
) -> Standing:
    by_target: dict[Target, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_target[entry.target].append(entry)
    names = _names({target: Counter(map(_called, mine)).most_common(1)[0][0] for target, mine in by_target.items()})
    ordered = sorted(by_target, key=lambda target: (-len(by_target[target]), names[target]))
    rows: list[Row] = []
    for target in ordered:
        own = sorted(by_target[target], key=lambda entry: entry.run_id)
        beside = sorted(by_target[target], key=lambda entry: (entry.run_id in doubted, _settings(entry) != "", entry.run_id not in trusted))
        mine = [*_entries(own, names[target], items, kept, doubted), *_controls(beside, names[target], doubted)]
        rows += sorted(mine, key=lambda row: (row.g["mean"] is None, -(row.g["mean"] or 0), row.entry is None, row.arm))
    return Standing(board, tuple(names[target] for target in ordered), tuple(rows))


def _called(entry: Entry) -> str:
    """Return what an entry calls its target: model, the arguments that answers depend on, and the answer length if it is longer than usual."""
    parts = (shown(part.strip()) for part in entry.config["model_args"].split(","))
    arguments = ",".join(part for part in parts if part and part.partition("=")[0] not in OURS)
    longer = f"answers of {LONG_ANSWERS:,} tokens" if entry.config["max_gen_toks"] == LONG_ANSWERS else ""
    return " ".join(filter(None, [_simulated(entry.config["model"]), arguments, longer]))


def _names(called: Mapping[Target, str]) -> dict[Target, str]:
    """Return each target's name; if two have the same one, with as many digits of a digest of fingerprint and answer length as tell them apart."""
    found, digits = dict(called), 6
    while twice := {name for name, number in Counter(found.values()).items() if number > 1}:
        made = {target: digest(f"{target.fingerprint} {target.max_gen_toks}")[:digits] for target, name in found.items() if name in twice}
        found |= {target: f"{called[target]} ({said})" for target, said in made.items()}
        digits += 6
    return found


def _simulated(model: str) -> str:
    return f"{model} (simulated)" if model == SIMULATED else model


def _entries(entries: Sequence[Entry], target: str, items: Mapping[str, Item], kept: Cache, doubted: Collection[str]) -> Iterator[Row]:
    placed = [entry for entry in entries if entry.optimizer not in UNPLACED and entry.run_id not in doubted]
    places = dict(_places(_groups(placed, items, kept))) if placed else {}
    for entry in entries:
        robustness = entry.results["robustness"]
        place, tied = places.get(entry.run_id, (None, False))
        yield _row(
            entry.results, entry.optimizer, target, words()["controls"][entry.optimizer]["kind"] if entry.optimizer in UNPLACED else "entry",
            noise=_mean([robustness[family]["retained"]["value"] for family in NOISE if family in robustness]),
            sparsity=robustness[SPARSITY]["retained"]["value"] if SPARSITY in robustness else None,
            entry=entry, place=place, tied=tied, doubted=entry.run_id in doubted,
        )  # fmt: skip


def _controls(entries: Sequence[Entry], target: str, doubted: Collection[str]) -> Iterator[Row]:
    """Yield the row of each control that ran beside an entry, but for those that were submitted themselves and so have a row already."""
    seen = {entry.optimizer for entry in entries if entry.optimizer in UNPLACED and not _settings(entry) and entry.run_id not in doubted}
    for entry in entries:
        settings = ", ".join(filter(None, [_settings(entry), DOUBTED if entry.run_id in doubted else ""]))
        for arm in entry.results["arms"]:
            if arm in KNOWN and arm != entry.optimizer and arm not in seen:
                seen.add(arm)
                yield _row(entry.results, arm, target, words()["controls"][arm]["kind"], settings=settings)


def _settings(entry: Entry) -> str:
    """Return the flags of a run that change what controls ask of the target; empty if these are the usual ones."""
    config = entry.config
    usual = {"oracle_wording": wording_of(config["model_fingerprint"]), "seed": 0}
    flags = [f"--{flag} {config[flag]}" for flag in usual if config[flag] != usual[flag]]
    tokens, conversations = shown_by_controls(entry.optimizer, config["optimizer_args"])
    if (tokens, conversations) != (HISTORY_TOKENS, CONVERSATIONS):
        flags.append(f"histories of {tokens:,} tokens and {conversations:,} conversations")
    return ", ".join(flags)


def _row(results: Mapping[str, Any], arm: str, target: str, kind: str, **more: Any) -> Row:
    clean, cost = results["arms"][arm]["clean"], results["cost"][arm]
    return Row(
        kind, arm, target,
        g=clean["personalization"], task=clean["task"], responsive=clean["responsive"]["mean"],
        over=results["differences"][arm]["clean"]["lured"] if arm in results["differences"] else None,
        tokens=cost["prompt_tokens"], over_query=cost["over_query"],
        curves={family: found["curves"][arm] for family, found in results["robustness"].items()},
        **more,
    )  # fmt: skip


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None if there are no values, or one of them is not known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if values and len(known) == len(values) else None


def _groups(entries: Sequence[Entry], items: Mapping[str, Item], kept: Cache) -> list[list[str]]:
    """Return the runs from best to worst, in groups that cannot be told apart.

    An item whose answer the infrastructure lost counts as the entry's own mean, so that no item drops out of the others' comparison.
    """
    columns = {entry.run_id: entry.gains for entry in entries}
    key = key_of_ties(columns, table.ROUNDS)
    found: list[list[str]] | None = kept.get(key)
    if found is None:
        scored = {name for gains in columns.values() for name, gain in gains.items() if gain is not None}
        asked = sorted(scored & set(items))
        users, templates = (_codes([getattr(items[name], key) for name in asked]) for key in ("persona_id", "question_id"))
        values = {run: _filled(np.array([gains.get(name) for name in asked], dtype=float)) for run, gains in columns.items()}
        weights = statistics.draw_weights(int(users.max()) + 1, int(templates.max()) + 1, table.ROUNDS)
        found = statistics.tied_groups(users, templates, values, weights)
        kept.put(key, found)
    return found


def _filled(values: np.ndarray) -> np.ndarray:
    """Return the values, with missing ones replaced by the mean of the others."""
    there = ~np.isnan(values)
    return np.where(there, values, values[there].mean()) if there.any() else values


def _codes(names: Sequence[str]) -> np.ndarray:
    return np.unique(names, return_inverse=True)[1]


def _places(groups: Sequence[Sequence[str]]) -> Iterator[tuple[str, tuple[int, bool]]]:
    """Yield each run with its place, and whether others share it."""
    place = 1
    for group in groups:
        for run in group:
            yield run, (place, len(group) > 1)
        place += len(group)
