"""The gate: can the benchmark be gamed?

It runs policies that do not know the user, attackers, and both ends of the scale on a release, and checks whether their scores are in the orders that
MEASUREMENT 7 requires.

    DIR/gate.json    {"content_digest": the manifest's, "targets": {"scripted-...": {"passed": true, "rows": {...}, "checks": [...]}}}

A verdict belongs to the content it was made on: a `gate.json` for other content is replaced. DIR is the release, and the run folder. The release's
file takes only verdicts on the split `test` in the wording of the target, and none on fewer items than the one that it has on the same target.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eval_harness.baselines import BASELINES
from eval_harness.controls import ATTACKERS, BLIND, CONTROLS
from eval_harness.errors import EvalError
from eval_harness.results import MOST_FAILED
from eval_harness.runfolder import Sample
from eval_harness.runner import Evaluation
from eval_harness.scores import score_samples
from eval_harness.table import Plan, Table
from eval_harness.wordings import wording_of
from persona_atlas import locks, shards
from persona_atlas.data import Release
from persona_atlas.records import Item

WITHIN = 0.05
"""How far from 0 the mean G of a policy that does not know the user may be."""
MOST_READ = 0.25
"""The largest share of the gain from identity to oracle that `bank_reader` may recover."""
ARMS = tuple(name for name in CONTROLS if name not in (*BASELINES, "reader"))
"""The arms that the gate runs: all controls but the baselines and `reader`. No order is required of `answer_reader` and `contrast_reader`."""
AXES = ("personalization", "task")
FILE = "gate.json"
LOCK = ".gate.json.lock"
PATIENCE = 30.0
"""For how many seconds a gate waits for another one that writes its verdict."""
Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Check:
    """One required order: its name, what is wanted, what was found, and whether it holds."""

    name: str
    wanted: str
    found: str
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """What the gate found on one target. `rows`: arm -> axis -> the interval's fields."""

    target: str
    rows: Rows
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def check_own(release: Release) -> None:
    """Raise EvalError for an imported release: the required orders presuppose values drawn evenly and questions with a right answer."""
    if release.imported:
        raise EvalError(
            f"{release.path} is an imported release, and the gate is for those that are built here: "
            "the orders that it requires take values drawn evenly and questions with a right answer"
        )


def gate_of(evaluation: Evaluation, history_tokens: int) -> Evaluation:
    """The same evaluation with the gate's arms under `clean`, the oracle in the optimizer's place."""
    return replace(evaluation, arm="oracle", spec=None, controls=ARMS, conditions=("clean",), history_tokens=history_tokens)


def judge(target: str, samples: Sequence[Sample], items: Sequence[Item], release: Release, evaluation: Evaluation) -> Verdict:
    """The verdict on the samples of a gate's run. Raises EvalError if too many answers are missing, or an arm or difference has no mean."""
    lost = sum(sample.finish_reason == "error" for sample in samples)
    if lost > MOST_FAILED * len(samples):
        raise EvalError(f"{lost:,} of {len(samples):,} answers did not come, so the gate says nothing; run the same command again to ask for them")
    plan = Plan("oracle", evaluation.arms(), ("clean",), target, evaluation.split, evaluation.seed)
    table = Table(plan, items, score_samples(samples, {item.item_id: item for item in items}, release), release)
    rows = {arm: found["clean"] for arm, found in table.estimates(plan.arms, ["clean"], AXES).items()}
    differences = {arm: found["clean"] for arm, found in table.estimates(plan.arms, ["clean"], AXES, less="identity").items()}
    for arm, row in (*rows.items(), *differences.items()):
        for axis, interval in row.items():
            if interval["mean"] is None:
                raise EvalError(f"{arm} has no {axis} on the {len(items)} items asked, so the gate says nothing; ask more, with a larger --limit")
    return Verdict(target, rows, tuple(required_orders(rows, differences)))


def required_orders(rows: Rows, differences: Rows) -> Iterator[Check]:
    """Check the orders of MEASUREMENT 7. `rows`: arm -> axis -> interval under `clean`; `differences`: the same, paired, from identity."""
    scores = {arm: row["personalization"]["mean"] for arm, row in rows.items()}
    for arm in BLIND:
        yield Check(f"{arm} is at 0", f"within ±{WITHIN}", f"{scores[arm]:+.3f}", abs(scores[arm]) <= WITHIN)
    low, high = rows["opposite_user"]["personalization"], rows["oracle"]["personalization"]
    yield Check("opposite_user is below 0", "upper bound below 0", _interval(low), _bound(low, 1) < 0)
    yield Check("oracle is above 0", "lower bound above 0", _interval(high), _bound(high, 0) > 0)
    for arm in (*ATTACKERS, "answerer"):
        for axis in AXES:
            difference = differences[arm][axis]
            yield Check(f"{arm} is not above identity on {axis}", "lower bound at most 0", _interval(difference), _bound(difference, 0) <= 0)
    headroom = scores["oracle"] - scores["identity"]
    share = (scores["bank_reader"] - scores["identity"]) / headroom if headroom > 0 else float("inf")
    yield Check("bank_reader recovers little", f"at most {MOST_READ:.0%} of the headroom", f"{share:.0%}", share <= MOST_READ)


def _bound(interval: Mapping[str, Any], end: int) -> float:
    """One end of the interval (0: lower, 1: upper); the mean if there is no interval."""
    return float(interval["ci"][end] if interval["ci"] else interval["mean"])


def _interval(interval: Mapping[str, Any]) -> str:
    if not interval["ci"]:
        return f"{interval['mean']:+.3f}"
    return f"{interval['mean']:+.3f} [{interval['ci'][0]:+.3f}, {interval['ci'][1]:+.3f}]"


def _verdicts(path: Path, content_digest: str) -> dict[str, Any]:
    """The verdicts on this content in gate.json, by target; empty if it is missing or cannot be read, since it is about to be written anew."""
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    targets = there.get("targets") if isinstance(there, dict) and there.get("content_digest") == content_digest else None
    return targets if isinstance(targets, dict) else {}


def _items(rows: Any) -> int:
    """On how many items a verdict is, by its rows; 0 if they do not say."""
    try:
        return int(rows["oracle"]["task"]["n_items"])
    except (LookupError, TypeError, ValueError):
        return 0


def set_aside(directory: Path, evaluation: Evaluation, verdict: Verdict) -> str | None:
    """Why a verdict stays out of the release's gate.json, as a sentence; None if it belongs there."""
    path, split, wording = directory / FILE, evaluation.split, evaluation.wording
    if (split, wording) != ("test", usual := wording_of(evaluation.model.fingerprint)):
        return f"{path} is for verdicts on the split test in wording {usual}; this one, on {split} in wording {wording}, stays out of it."
    there = _verdicts(path, evaluation.release.manifest["content_digest"]).get(evaluation.model.fingerprint)
    fewer, more = _items(verdict.rows), _items(there.get("rows") if isinstance(there, dict) else None)
    if fewer < more:
        return f"{path} keeps its verdict on {more} items; this one, on {fewer}, stays out of it. To replace it, remove the file first."
    return None


def write_verdict(directory: Path, content_digest: str, fingerprint: str, verdict: Verdict) -> Path:
    """Write the verdict into the folder's gate.json, beside those on other targets for the same content, and return its path."""
    path = directory / FILE
    found = {"target": verdict.target, "passed": verdict.passed, "rows": verdict.rows, "checks": [asdict(check) for check in verdict.checks]}
    with _alone(path):
        gate = {"content_digest": content_digest, "targets": {**_verdicts(path, content_digest), fingerprint: found}}
        shards.write_text(path, json.dumps(gate, indent=2, ensure_ascii=False) + "\n")
    return path


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other gates off gate.json while the block runs, after waiting for one that is at it. Raises EvalError if that takes too long."""
    busy, end = EvalError(f"another process holds {path}; let it end, then run the same command again"), time.monotonic() + PATIENCE
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(locks.held(path.with_name(LOCK), busy))
                break
            except EvalError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)
        yield
