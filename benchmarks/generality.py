"""Whether what a release says about itself holds on other targets, on other templates and in other words.

    atlas-eval --optimizer all-controls --limit 200 --model NAME --dataset DIR --output_path RUN         on each target
    python benchmarks/generality.py RUN RUN ... --release DIR            also writes DIR/generality.json, which the release's card shows

    atlas-generate revoice DIR2 --split test --out DIR3 --model NAME     the same users, items and labels in a model's words
    python benchmarks/generality.py RUN RUN ... --revoiced RUN2 RUN3     the same run on DIR2 and on DIR3; repeat the flag for further models
    python benchmarks/generality.py RUN RUN ... --thinned RUN2           a run under history_reveals_50 and history_reveals_25 as well
    python benchmarks/generality.py RUN RUN ... --null FILE              null bias of a target on more users (benchmarks/null_bias.py)

Without RUN, one is made on the scripted (simulated) target. Prints Markdown, with one row per run:

null bias     G of the policies that do not know the user (the one farthest from 0), and G of the perfect reader over values that nothing reveals:
              90 % intervals, which should lie within ±0.05; on more users where --null gives them
leakage       what a reader of the package's phrasings gains over identity on phrasings that it does not have, as a share of the oracle's gain: at
              most 25 %
precision     Kendall's tau between the rankings of the arms on two halves of the templates, averaged over random ways to halve them: by the tie
              groups in which a ranking is given (arms that a half cannot tell apart share a rank), at least .85; and by bare means.
              The smallest effect on G that 200 users and 60 templates would show, with as many items per user as here, for the arm that varies
              most: at most .08. Lower bound of oracle minus identity: at least .20 on some target
invariance    Kendall's tau between the rankings of the arms before and after a change: histories in other words, and histories without half or three
              quarters of their revealing turns. By tie groups and by bare means: at least .80. Of the pairs of arms that differ by more than the
              smallest effect, the share that keep their order: at least .90

checkers      balanced accuracy on models' answers that were labelled blind: at least .93, and .85 in the worst dimension. This does not depend on
              runs; `atlas-generate catalog --checkers` prints it, too

The policies that do not know the user are equal by design, so only identity is ranked among them.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import numpy as np
from controls import BENCH
from panel import core_run
from scipy import stats

from eval_harness import statistics
from eval_harness.controls import ATTACKERS, BLIND
from eval_harness.errors import EvalError, guarded
from eval_harness.finished import Run, open_run
from eval_harness.scores import score_samples
from eval_harness.statistics.power import power
from eval_harness.table import Table
from generation.generality import paragraphs
from generation.spoken.acceptance import provenance
from generation.spoken.cast import Voice
from generation.validity import validity
from generation.verdicts import GENERALITY
from persona_atlas import shards
from persona_atlas.data import DataError, Release, load_dataset
from persona_atlas.randomness import generator

HALVES = 100
USERS, TEMPLATES = 200, 60
TO_90 = stats.norm.ppf(0.95) / stats.norm.ppf(0.975)
"""The factor that turns the half-widths of a 95 % interval into those of a 90 % interval."""
CLEAN, G, ALL = "clean", "personalization", slice(None)
AGENTS = ("user", "assistant")
THINNED = ("history_reveals_50", "history_reveals_25")


class Scored:
    """A run's scores of each item, under clean and under the conditions in THINNED that it has, and the arms that are ranked."""

    def __init__(self, run: Run, given: Sequence[Release] = ()) -> None:
        """`given`: where releases are now; the run's own is looked for among them, and then where the run was made."""
        mine = [release for release in given if release.manifest["content_digest"] == run.config["dataset_digest"]]
        try:
            release = mine[0] if mine else load_dataset(run.dataset)
            items = run.items(release)
        except DataError as error:
            raise click.UsageError(f"of the release of {run.path}: {error}; --dataset says where it is now") from None
        except EvalError as error:
            raise click.UsageError(str(error)) from None
        self.path = run.path
        self.thinned = [condition for condition in THINNED if condition in run.plan.conditions]
        samples = [sample for sample in run.samples if sample.condition in (CLEAN, *self.thinned)]
        self.release, self.manifest = release, release.manifest
        self.target = Voice(str(run.config["model"]), str(run.config.get("model_args", ""))).label
        self.table = Table(run.plan, items, score_samples(samples, {item.item_id: item for item in items}, release), release)
        self.blind = [arm for arm in run.plan.arms if arm in BLIND]
        self.arms = ["identity", *(arm for arm in run.plan.arms if arm not in ATTACKERS and arm not in BLIND)]

    def means(self, chosen: Any = ALL, condition: str = CLEAN) -> dict[str, float]:
        """Return arm -> mean G, over all items or those chosen."""
        return {arm: float(np.nanmean(self.table.column(arm, condition, G)[chosen])) for arm in self.arms}

    def ranks(self, chosen: Any = ALL, condition: str = CLEAN) -> dict[str, float]:
        """Return arm -> the number of its tie group on the items chosen; the best is 0."""
        columns = {arm: self.table.column(arm, condition, G)[chosen] for arm in self.arms}
        groups = statistics.tied_groups(self.table.user[chosen], self.table.template[chosen], columns, self.table.weights)
        return {arm: float(number) for number, group in enumerate(groups) for arm in group}

    def interval(self, values: np.ndarray, to: float = 1.0) -> dict[str, Any]:
        """Return `mean` and `ci`; `to` scales the 95 % interval about the mean."""
        return interval_of(self.table, values, to)

    def difference(self, arm: str, other: str) -> np.ndarray:
        return self.table.column(arm, CLEAN, G) - self.table.column(other, CLEAN, G)

    def detectable(self) -> float:
        """Return the smallest effect that USERS and TEMPLATES would show, for the arm for which it is largest."""
        found = (power(self.table.user, self.table.template, self.difference(arm, "identity")) for arm in self.arms if arm != "identity")
        return max(one.detectable(USERS, TEMPLATES) for one in found if one is not None)


def interval_of(table: Table, values: np.ndarray, to: float = 1.0) -> dict[str, Any]:
    """Return `mean` and `ci` of one value per item of a table; `to` scales the 95 % interval about the mean."""
    found = statistics.estimate(table.user, table.template, values, table.weights)
    return {"mean": found.mean, "ci": found.ci and [found.mean + (end - found.mean) * to for end in found.ci]}


def halves(scored: Scored) -> dict[str, float | None]:
    """Return the mean of Kendall's tau between the arms' rankings on random halves of the templates: by tie groups, and by bare means.

    Where a half ties all arms there is no tau, and the mean is over the other ways to halve them; None if there are none.
    """
    draw = generator(0, "generality halves")
    found: dict[str, list[float]] = {"groups": [], "means": []}
    for _ in range(HALVES):
        templates = draw.permutation(scored.table.template.max() + 1)
        first = np.isin(scored.table.template, templates[: len(templates) // 2])
        for kind, ranked in (("groups", scored.ranks), ("means", scored.means)):
            found[kind].append(tau(ranked(first), ranked(~first)))
    taus = {kind: [value for value in values if known(value) is not None] for kind, values in found.items()}
    return {kind: float(np.mean(values)) if values else None for kind, values in taus.items()}


def tau(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return Kendall's tau-b over the arms that both rankings have; NaN if one of the rankings ties them all."""
    arms = [arm for arm in one if arm in other]
    return float(stats.kendalltau([one[arm] for arm in arms], [other[arm] for arm in arms]).statistic)


def known(value: float) -> float | None:
    """Return the value, or None for NaN, which is the tau of arms that all tie."""
    return None if np.isnan(value) else value


def of_target(scored: Scored) -> dict[str, Any]:
    """Return the row that generation/generality.py shows for a target."""
    blind = {arm: scored.interval(scored.table.column(arm, CLEAN, G), TO_90) for arm in scored.blind}
    means = scored.means()
    if missing := [arm for arm in ("oracle", "reader", "bank_reader") if arm not in means]:
        raise click.UsageError(f"the run on {scored.target} lacks {', '.join(missing)}; give a run of --optimizer all-controls")
    headroom = means["oracle"] - means["identity"]
    return {
        "target": scored.target,
        "users": int(scored.table.user.max()) + 1,
        "items": len(scored.table.user),
        "null_bias": farthest(blind),
        "unrevealed": scored.interval(scored.table.column("reader", CLEAN, "personalization_unrevealed"), TO_90),
        "leakage": (means["bank_reader"] - means["identity"]) / headroom if headroom > 0 else None,
        "tau_of_halves": halves(scored),
        "detectable": scored.detectable(),
        "headroom": scored.interval(scored.difference("oracle", "identity")),
    }


def farthest(blind: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the one of the policies that do not know the user whose interval reaches farthest from 0."""
    worst = max(blind, key=lambda arm: max(map(abs, blind[arm]["ci"] or [blind[arm]["mean"]])))
    return {"arm": worst, **blind[worst]}


def on_more_users(rows: list[dict[str, Any]], file: Path) -> str:
    """Replace a target's null bias in `rows` by what null_bias.py found. Returns the content digest of the release that was asked."""
    found = json.loads(file.read_bytes())
    if not {"target", "content_digest", "blind", "unrevealed"} <= set(found):
        raise click.ClickException(f"{file} is not of benchmarks/null_bias.py --out")
    mine = [row for row in rows if row["target"] == found["target"]]
    if not mine:
        raise click.ClickException(f"{file} is of {found['target']}, of which no run is given")
    mine[0].update(null_bias=farthest(found["blind"]), unrevealed=found["unrevealed"])
    return str(found["content_digest"])


def of_voices(before: Scored, after: Scored) -> dict[str, Any]:
    """Return how far the ranking holds when the histories are said in other words, and which share of their turns is."""
    if after.manifest["config"].get("revoiced") != before.manifest["content_digest"]:
        raise click.UsageError(f"{after.path} was not made on the release of {before.path} in other words; give --revoiced the run on that one first")
    taken = {agent: found["after_retries"] for agent, found in provenance(after.release).items() if agent in AGENTS}
    return {"by": after.manifest["config"]["cast"]["user"], "taken": taken, **invariance(before, after)}


def of_thinned(scored: Scored) -> list[dict[str, Any]]:
    """Return how far the ranking holds when fewer turns reveal something, under each condition in THINNED that ran."""
    return [{"condition": condition, **invariance(scored, scored, condition)} for condition in scored.thinned]


def invariance(before: Scored, after: Scored, condition: str = CLEAN) -> dict[str, Any]:
    """Return tau between the rankings before and after a change, by tie groups and by means, and how many pairs that are apart keep their order."""
    one, other, smallest = before.means(), after.means(condition=condition), before.detectable()
    arms = [arm for arm in one if arm in other]
    apart = [(a, b) for a, b in combinations(arms, 2) if abs(one[a] - one[b]) > smallest]
    return {
        "target": after.target,
        "users": int(after.table.user.max()) + 1,
        "arms": len(arms),
        "tau": {"groups": known(tau(before.ranks(), after.ranks(condition=condition))), "means": known(tau(one, other))},
        "detectable": smallest,
        "pairs": len(apart),
        "agree": sum((one[a] > one[b]) == (other[a] > other[b]) for a, b in apart),
    }


def of_checkers() -> dict[str, Any]:
    """Return how accurate the checkers are."""
    found = validity()
    worst = found["worst_dimension"]
    return {
        "labels": found["real_outputs"],
        "accuracy": found["balanced_accuracy_on_real_outputs"],
        "worst_dimension": worst,
        "worst": found["by_dimension_on_real_outputs"][worst],
    }


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--dataset", multiple=True, help="Where a release of the runs is now; may be given again.  [default: where each run was made]")
@click.option("--revoiced", "pairs", nargs=2, multiple=True, type=click.Path(path_type=Path, exists=True), help="Runs before and after.")
@click.option("--thinned", multiple=True, type=click.Path(path_type=Path, exists=True), help="Runs under history_reveals_50 and _25, too.")
@click.option("--null", "wide", multiple=True, type=click.Path(path_type=Path, exists=True), help="What null_bias.py wrote of one of the targets.")
@click.option("--release", type=click.Path(path_type=Path, exists=True), default=None, help="Where generality.json is to lie.")
def main(
    runs: tuple[Path, ...],
    dataset: tuple[str, ...],
    pairs: tuple[tuple[Path, Path], ...],
    thinned: tuple[Path, ...],
    wide: tuple[Path, ...],
    release: Path | None,
) -> None:
    given = [load_dataset(name) for name in dataset]
    scored = [Scored(open_run(run), given) for run in runs or [core_run(100, 1, BENCH / "panel")]]
    voices = [of_voices(*(Scored(open_run(run), given) for run in pair)) for pair in pairs]
    thin = [Scored(open_run(run), given) for run in thinned]
    fewer = [row for one in thin for row in of_thinned(one)]
    targets = list(map(of_target, scored))
    contents = {str(one.path): one.manifest["content_digest"] for one in (*scored, *thin)}
    contents |= {str(file): on_more_users(targets, file) for file in wide}
    found = {"targets": targets, "checkers": of_checkers(), "revoiced": voices, "thinned": fewer}
    print("\n\n".join(paragraphs(found)))
    if release:
        content = load_dataset(str(release)).manifest["content_digest"]
        if others := [name for name, digest in contents.items() if digest != content]:
            raise click.ClickException(f"{', '.join(sorted(others))}: made on other content than {release}")
        shards.write_text(release / GENERALITY, json.dumps({"content_digest": content, **found}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    guarded(main)
