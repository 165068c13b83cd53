"""The tables for programs: feed.json (its form: feed.schema.json) and leaderboard.csv. Texts of submissions are escaped by escape.py."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from leaderboard.board import Row, Standing
from leaderboard.escape import shown
from leaderboard.verify import TIERS

FEED_VERSION = 1
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "'")
"""How a cell begins that a spreadsheet may run; some take full-width signs for the usual ones. Such a cell gets an apostrophe in front."""
HEAD = (
    "dataset_digest", "scorer_version", "suite", "target", "kind", "name", "optimizer", "run_id", "tier", "held_out", "track", "place", "tied",
    "G", "G_low", "G_high", "task", "task_low", "task_high", "responsive", "A_noise", "A_sparsity",
    "overpersonalization", "overpersonalization_low", "overpersonalization_high", "prompt_tokens", "over_query", "link",
)  # fmt: skip
Tiers = Mapping[str, tuple[str, Mapping[str, Any] | None]]
"""Run -> its tier and the record of its reproduction."""
NOT_REPRODUCED = "not reproduced"
SELF_REPORTED, REPRODUCED, HELD_OUT = TIERS


def tier_shown(row: Row, tiers: Tiers) -> tuple[str, bool]:
    """Return the tier of an entry's numbers, and whether the optimizer ran on held-out data too, which says nothing of these numbers."""
    assert row.entry is not None, "the row is an entry's"
    tier, reproduction = tiers[row.entry.run_id]
    if row.doubted:
        return NOT_REPRODUCED, tier == HELD_OUT
    return (REPRODUCED if reproduction else SELF_REPORTED, True) if tier == HELD_OUT else (tier, False)


def feed(standings: Sequence[Standing], tiers: Tiers) -> str:
    """Return feed.json, validated against its schema."""
    import jsonschema_rs

    found = {"feed_version": FEED_VERSION, "boards": [_board(standing, tiers) for standing in standings]}
    jsonschema_rs.validator_for(json.loads(schema())).validate(found)
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def schema() -> str:
    """The JSON Schema of feed.json."""
    return files("leaderboard").joinpath("feed.schema.json").read_text(encoding="utf-8")


def _board(standing: Standing, tiers: Tiers) -> dict[str, Any]:
    return {
        **standing.board._asdict(),
        "targets": [shown(target) for target in standing.targets],
        "rows": [_row(row, tiers) for row in standing.rows],
    }


def _row(row: Row, tiers: Tiers) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "target": shown(row.target),
        "arm": shown(row.arm),
        "G": _interval(row.g),
        "task": _interval(row.task),
        "responsive": row.responsive,
        "overpersonalization": _interval(row.over) if row.over else None,
        "prompt_tokens": row.tokens,
        "over_query": row.over_query,
        "entry": _entry(row, tiers) if row.entry else None,
    }


def _entry(row: Row, tiers: Tiers) -> dict[str, Any]:
    assert row.entry is not None, "the row is an entry's"
    told, results = row.entry.told, row.entry.results
    (tier, held_out), (_, reproduction) = tier_shown(row, tiers), tiers[row.entry.run_id]
    return {
        "run_id": row.entry.run_id,
        "page": row.entry.page,
        **{key: shown(told[key], 2000) for key in ("name", "link", "contact", "training")},
        "persona_atlas": shown(told["versions"]["persona_atlas"]),
        "tier": tier,
        "held_out": held_out,
        "reproduction": {key: reproduction.get(key) for key in ("accepted", "fraction", "agreed", "asked")} if reproduction else None,
        "track": results["track"],
        "place": row.place,
        "tied": row.tied,
        "A": {shown(family): found["retained"]["value"] for family, found in results["robustness"].items()},
        "D": {
            shown(family): {shown(name): _interval(lost) for name, lost in found["lost"].items()} for family, found in results["robustness"].items()
        },
        "headroom": results["headroom"]["value"] if results["headroom"] else None,
        "harm": results["harm"].get(row.entry.optimizer),
    }


def _interval(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"mean": found["mean"], "ci": found["ci"]}


def as_csv(standings: Sequence[Standing], tiers: Tiers) -> str:
    """Return leaderboard.csv: every row of every table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)  # whatever a spreadsheet takes as the separator
    writer.writerow(HEAD)
    for standing in standings:
        for row in standing.rows:
            writer.writerow([_cell(value) for value in _cells(standing, row, tiers)])
    return out.getvalue()


def _cells(standing: Standing, row: Row, tiers: Tiers) -> Iterator[Any]:
    yield from standing.board
    entry = row.entry
    yield from (row.target, row.kind, entry.told["name"] if entry else row.arm, row.arm)
    yield from (entry.run_id, *tier_shown(row, tiers), entry.results["track"]) if entry else (None, None, None, None)
    yield from (row.place, row.tied if entry else None)
    yield from (*_ends(row.g), *_ends(row.task), row.responsive, row.noise, row.sparsity, *_ends(row.over), row.tokens, row.over_query)
    yield entry.told["link"] if entry else None


def _ends(found: Mapping[str, Any] | None) -> tuple[Any, Any, Any]:
    return (found["mean"], *(found["ci"] or (None, None))) if found else (None, None, None)


def _cell(value: Any) -> Any:
    """Return a number as it is, and a text in one line that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = shown(value, 2000)
        return f"'{text}" if text.startswith(FORMULA) else text
    return value
