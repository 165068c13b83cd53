"""How right the checkers are on held answers: precision and recall by family, and balanced accuracy on real outputs.

See MEASUREMENT 9.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from generation.counts import plain_table
from persona_atlas.preferences.held import Judgement, judgements


def validity() -> dict[str, Any]:
    """The figures, as plain data."""
    found = list(judgements())
    real = [judgement for judgement in found if judgement.real]
    dimensions = {name: _accuracy([j for j in real if j.dimension == name]) for name in sorted({j.dimension for j in real})}
    known = {name: value for name, value in dimensions.items() if value is not None}
    return {
        "examples": len(found),
        "real_outputs": len(real),
        "families": {family: _rates([j for j in found if j.family == family]) for family in sorted({j.family for j in found})},
        "balanced_accuracy_on_real_outputs": _accuracy(real),
        "by_dimension_on_real_outputs": dimensions,
        "worst_dimension": min(known, key=lambda name: known[name]) if known else None,
    }


def _rates(found: Sequence[Judgement]) -> dict[str, Any]:
    """Precision and recall of "the answer has the value", pooled over the family's values."""
    right = sum(j.has and j.says for j in found)
    return {
        "examples": len(found),
        "real": sum(j.real for j in found),
        "precision": _share(right, sum(j.says for j in found)),
        "recall": _share(right, sum(j.has for j in found)),
    }


def _accuracy(found: Iterable[Judgement]) -> float | None:
    """Balanced accuracy: the mean of the shares right among answers that have the value and those that do not. None if there are none of either."""
    found = list(found)
    shares = [_share(sum(j.says == has for j in found if j.has == has), sum(j.has == has for j in found)) for has in (True, False)]
    return None if None in shares else sum(share for share in shares if share is not None) / 2


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def print_validity(console: Console, found: Mapping[str, Any]) -> None:
    """Print the figures as a table and a sentence."""
    table = plain_table("family", "examples", "of real outputs", "precision", "recall", left=1)
    for family, row in found["families"].items():
        table.add_row(family, f"{row['examples']:,}", f"{row['real']:,}", _printed(row["precision"]), _printed(row["recall"]))
    console.print(table)
    console.print(
        f"\nOn {found['real_outputs']:,} labels of real outputs: balanced accuracy {_printed(found['balanced_accuracy_on_real_outputs'])}; "
        f"worst dimension {found['worst_dimension']}, {_printed(found['by_dimension_on_real_outputs'].get(found['worst_dimension']))}",
        highlight=False,
        soft_wrap=True,
    )


def _printed(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
