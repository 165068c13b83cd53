"""What runs on several targets say about a release: generality.json, which benchmarks/generality.py writes, as Markdown for the card.

{"content_digest": ..., "targets": [{"target": "smol", "users": 200, "items": 400, "null_bias": {"arm": "majority", "mean": 0.01, "ci": [...],
   "users": 750, "items": 1500}, "unrevealed": {...}, "leakage": 0.02, "tau_of_halves": {"groups": 0.99, "means": 0.7}, "detectable": 0.06,
   "headroom": {...}}, ...],
 "checkers": {"labels": 2702, "accuracy": 0.98, "worst_dimension": "alternative", "worst": 0.88},
 "revoiced": [{"by": "smol", "taken": {"user": 0.6, "assistant": 0.9}, "target": "smol-steerable", "users": 30, "arms": 8,
   "tau": {"groups": 0.9, "means": 0.8}, "detectable": 0.1, "pairs": 12, "agree": 12}],
 "thinned": [{"condition": "history_reveals_50", "target": ..., and on as above}]}
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

HEAD = (
    "target",
    "test users, items",
    "null bias (90 %)",
    "unrevealed (90 %)",
    "leakage",
    "τ of halves: groups; means",
    "smallest effect",
    "oracle − identity (95 %)",
)


def paragraphs(found: Mapping[str, Any]) -> Iterator[str]:
    """The paragraphs and tables for generality.json. Raises KeyError or TypeError if it has another form."""
    yield (
        "Generality (`benchmarks/generality.py`), of runs on several targets. Null bias: G of the policy that knows no user and is farthest from 0 "
        "(wanted: within ±0.05), and of the perfect reader over values that nothing reveals (the same); behind `of`, users and items asked for it, "
        "where they are more than the run's (`benchmarks/null_bias.py`: test users for the first, users of all splits for the second). Leakage: "
        "what a reader of the package's phrasings gains, of what the oracle does (at most 25 %). Kendall's τ between rankings on halves of the "
        "templates: of tie groups, in which arms are ranked (at least .85), and of bare means, where arms that differ in nothing stand in any "
        "order; of the policies that know no user `identity` alone is ranked. The smallest effect on G that 200 users and 60 templates would "
        "show (at most .08)."
    )
    yield table(HEAD, [_row(target) for target in found["targets"]])
    if checkers := found.get("checkers"):
        yield (
            f"Checkers, on {checkers['labels']:,} labels of models' answers that were labelled blind: balanced accuracy "
            f"{_number(checkers['accuracy'])} (wanted: at least .93), in the worst dimension, "
            f"{checkers['worst_dimension']}, {_number(checkers['worst'])} (at least .85)."
        )
    for voice in found.get("revoiced", ()):
        users, answers = (_share(voice["taken"][agent]) for agent in ("user", "assistant"))
        said = f"{users} of the users' turns and {answers} of the answers taken, the others as they were"
        yield _invariance(f"Histories of {voice['users']} test users said anew by `{voice['by']}` ({said})", voice)
    for fewer in found.get("thinned", ()):
        yield _invariance(f"Histories of {fewer['users']} test users under `{fewer['condition']}`", fewer)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _row(target: Mapping[str, Any]) -> list[str]:
    blind = target["null_bias"]
    return [
        f"`{target['target']}`",
        f"{target['users']}, {target['items']}",
        f"{blind['arm']} {_interval(blind)}{_of_more(blind)}",
        f"{_interval(target['unrevealed'])}{_of_more(target['unrevealed'])}",
        "no headroom" if target["leakage"] is None else _share(target["leakage"]),
        f"{_number(target['tau_of_halves']['groups'])}; {_number(target['tau_of_halves']['means'])}",
        f"{target['detectable']:.3f}",
        _interval(target["headroom"]),
    ]


def _of_more(estimate: Mapping[str, Any]) -> str:
    """How many users and items an estimate is of, if they are not the run's."""
    return f" of {estimate['users']:,} users, {estimate['items']:,} items" if "users" in estimate else ""


def _share(value: float) -> str:
    return f"{100 * value:z.0f} %".replace("-", "−")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:z.2f}".replace("-", "−")


def _interval(estimate: Mapping[str, Any]) -> str:
    if estimate["mean"] is None:
        return "–"
    ends = f" [{', '.join(f'{end:+z.3f}' for end in estimate['ci'])}]" if estimate["ci"] else ""
    return f"{estimate['mean']:+z.3f}{ends}".replace("-", "−")


def _invariance(changed: str, found: Mapping[str, Any]) -> str:
    return (
        f"{changed}, on `{found['target']}`: τ between the rankings of {found['arms']} arms before and after {_number(found['tau']['groups'])} "
        f"by tie groups, {_number(found['tau']['means'])} by bare means (wanted: at least .80); of {found['pairs']} pairs that differ by more than "
        f"{found['detectable']:.3f}, {found['agree']} stand in the same order (at least nine of ten)."
    )
