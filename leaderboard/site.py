"""The static site: pages that need nothing but themselves, and the same bytes for the same input.

    index.html, boards/…                         a table of entries and controls for each release, scorer and suite, with plots
    submissions/OPTIMIZER/RUN_ID.html            one entry: headline, slices, cost, robustness, checks, samples to read
    feed.json, feed.schema.json, leaderboard.csv the same for programs
    README.md                                    the card of a static Space (push.py)

Whatever comes from a submission is hostile. Each text that a template prints goes through escape.py and is HTML-escaped, links are http(s) only, and
a content security policy in each page forbids every script and style but ours.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval_harness.breakdown import REFERENCES
from eval_harness.findings import chance, findings, levels
from eval_harness.page import number
from leaderboard import feed, plots
from leaderboard.board import Row, Standing, words
from leaderboard.entry import Board, Entry
from leaderboard.escape import passage, shown
from leaderboard.feed import Tiers
from persona_atlas import __version__

if TYPE_CHECKING:
    import jinja2

FIRST = 100
"""How many rows a page shows without its script, which has all of them."""
LONGEST = 4000
"""The most characters that are printed in one line."""
ALSO_HELD_OUT = "also held-out"
LINK = re.compile(r"https?://[A-Za-z0-9][^\s<>\"']*")
SLUG = re.compile(r"[^a-z-]")
NOTHING: Mapping[str, Any] = {
    "kind": "entry", "name": "", "sub": "", "page": "", "target": "", "track": "", "version": "", "place": "", "tags": (),
    "g": (0.0, None, None), "task": (None, None, None), "responsive": None, "noise": None, "sparsity": None, "over": (None, None, None),
    "tokens": None, "times": None,
}  # fmt: skip
"""An empty row of the table. Its keys are the fields of the script's data."""
Pages = dict[str, str]


def site(standings: Sequence[Standing], tiers: Tiers) -> Pages:
    """Return path -> text of every file. The first table is index.html. Raises SubmissionError if a name cannot be that of a page."""
    paths = ["index.html" if not place else _page(standing.board) for place, standing in enumerate(standings)]
    boards = [{"board": standing.board, "page": path} for standing, path in zip(standings, paths, strict=True)]
    pages = {"README.md": _environment().get_template("space.md.jinja").render(entries=sum(map(_counted, standings))) + "\n"}
    for standing, path in zip(standings, paths, strict=True):
        pages[path] = _table(standing, boards, path, tiers)
        for row in standing.entries:
            assert row.entry is not None, "it is an entry's"
            pages[row.entry.page] = _submission(row, standing, path, tiers)
    return {**pages, "feed.json": feed.feed(standings, tiers), "feed.schema.json": feed.schema(), "leaderboard.csv": feed.as_csv(standings, tiers)}


def _page(board: Board) -> str:
    return f"boards/{board.dataset_digest[:12]}-{board.suite}-{board.scorer_version}.html"


def _table(standing: Standing, boards: Sequence[Mapping[str, Any]], page: str, tiers: Tiers) -> str:
    views = [view(row, tiers) for row in standing.rows]
    scale = plots.scale(shown["g"] for shown in views)
    by_target = {target: [row for row in standing.rows if row.target == target] for target in standing.targets}
    drawn = {target: plots.scatter(rows) for target, rows in by_target.items()}
    return _rendered(
        "index.html.jinja", page, script=_script(),
        board=standing.board, boards=boards, targets=standing.targets, entries=_counted(standing), doubted=any(row.doubted for row in standing.rows),
        rows=views[:FIRST], total=len(views), empty=NOTHING, scale=scale, data=_data(standing, views, scale, _root(page)),
        versions=sorted({shown["version"] for shown in views if shown["version"]}),
        simulated=any("(simulated)" in target for target in standing.targets),
        scatters={target: plot for target, plot in drawn.items() if plot},
        curves={target: plots.curves(plots.best_lines(rows)) for target, rows in by_target.items() if any(row.curves for row in rows)},
    )  # fmt: skip


def view(row: Row, tiers: Tiers) -> dict[str, Any]:
    """Return a row of the table, with numbers rounded as they are shown, so that the script shows the same."""
    entry, control = row.entry, words()["controls"].get(row.arm, {})
    track = entry.results["track"] if entry else ""
    return {
        "kind": row.kind,
        "name": entry.told["name"] if entry else row.arm,
        "sub": entry.optimizer if entry else f"{control['says']} ({row.settings})" if row.settings else control["says"],
        "page": entry.page if entry else "",
        "target": row.target,
        "track": track,
        "version": entry.told["versions"]["persona_atlas"] if entry else "",
        "place": place(row),
        "tags": (*tier_tags(row, tiers), track) if entry else (words()["kinds"][row.kind],),
        "g": _interval(row.g),
        "task": _interval(row.task),
        "responsive": _rounded(row.responsive),
        "noise": _rounded(row.noise),
        "sparsity": _rounded(row.sparsity),
        "over": _interval(row.over),
        "tokens": _rounded(row.tokens, 0),
        "times": _rounded(row.over_query, 1),
    }


def tier_tags(row: Row, tiers: Tiers) -> tuple[str, ...]:
    """Return the keys of words.yaml's tiers that hold for an entry: that of its numbers, and whether it ran on held-out data too."""
    tier, held_out = feed.tier_shown(row, tiers)
    return (tier, ALSO_HELD_OUT) if held_out else (tier,)


def place(row: Row) -> str:
    """Return a row's place, as `1=` if it is shared; empty if it has none."""
    return "" if row.place is None else f"{row.place}{'=' if row.tied else ''}"


def _interval(found: Mapping[str, Any] | None) -> tuple[float | None, float | None, float | None]:
    mean, ci = (found["mean"], found["ci"]) if found else (None, None)
    low, high = ci or (None, None)
    return _rounded(mean), _rounded(low), _rounded(high)


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits) + 0.0  # 0.0 instead of -0.0


def _data(standing: Standing, views: Sequence[Mapping[str, Any]], scale: tuple[float, float], root: str) -> str:
    """Return the table for the script, as JSON that is safe inside a page."""
    numbers = {target: number for number, target in enumerate(standing.targets)}
    rows = [[_seen(value) for value in {**one, "target": numbers[one["target"]]}.values()] for one in views]
    found = {"fields": list(NOTHING), "rows": rows, "targets": [shown(target) for target in standing.targets], "scale": scale, "root": root}
    text = json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _submission(row: Row, standing: Standing, board_page: str, tiers: Tiers) -> str:
    entry = row.entry
    assert entry is not None, "the row is an entry's"
    return _rendered(
        "submission.html.jinja", entry.page, script="",
        entry=entry, row=row, tiers=tier_tags(row, tiers), reproduction=tiers[entry.run_id][1], place=place(row), board_page=board_page,
        rivals=sum(other.target == row.target and other.place is not None for other in standing.entries),
        findings=[*findings(entry.results), *_not_compared(entry)], plot=plots.curves(plots.lines_of(entry.results)),
        levels=[levels(family, entry.results["optimizer"]) for family in entry.results["robustness"].values()],
    )  # fmt: skip


def _not_compared(entry: Entry) -> Iterator[str]:
    """Yield a sentence for each policy that an optimizer is compared with, if it ran (MEASUREMENT 8), and that did not run."""
    for name in REFERENCES:
        if name not in entry.results["arms"]:
            yield f"Not compared with {name} ({words()['controls'][name]['says']}), which did not run beside it"


def _rendered(template: str, page: str, script: str, **given: Any) -> str:
    from markupsafe import Markup

    style = _text("style.css.jinja")
    hashes = {"style": _hash(style), "script": _hash(script) if script else ""}
    ours = {"style": Markup(style), "script": Markup(script), "data": Markup(given.pop("data", ""))}  # ours, or JSON without < > &
    shared = {"root": _root(page), "words": words(), "ticks": plots.TICKS, "version": __version__}
    return _environment().get_template(template).render(hashes=hashes, **ours, **shared, **given)


def _counted(standing: Standing) -> int:
    """Return how many entries a table has; controls that were submitted are none."""
    return sum(row.kind == "entry" for row in standing.rows)


def _root(page: str) -> str:
    return "../" * page.count("/")


@cache
def _environment() -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("leaderboard", "pages"), autoescape=True, finalize=_seen, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters.update(number=number, percent=_percent, chance=chance, bar=plots.bar, ends=_ends, passage=_passage, slug=_slug)
    environment.filters["longest"] = lambda found: max(found, key=len, default=[])
    environment.tests["weblink"] = lambda text: LINK.fullmatch(text) is not None
    return environment


def _seen(value: Any) -> Any:
    """Return what a template prints: a text in one line, with what cannot be seen written out. Markup is ours, or has been escaped."""
    return shown(value, LONGEST) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _passage(text: str) -> Any:
    from markupsafe import escape

    return escape(passage(text))


def _ends(values: Sequence[float | None], scale: tuple[float, float]) -> dict[str, float] | None:
    mean, low, high = values
    return plots.bar({"mean": mean, "ci": None if low is None else (low, high)}, scale)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * (round(value, 2) + 0.0):.0f} %".replace("-", "−")


def _slug(tag: str) -> str:
    return SLUG.sub("-", tag)


@cache
def _text(name: str) -> str:
    return Path(__file__).parent.joinpath("pages", name).read_text(encoding="utf-8").strip()


def _script() -> str:
    return _text("board.js.jinja")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
