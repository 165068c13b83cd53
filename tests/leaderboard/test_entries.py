"""The entries of this repository say what a reader of the table needs."""

import json
from pathlib import Path

from eval_harness.adapters import LEARNERS

SUBMISSIONS = Path(__file__).parents[2] / "leaderboard" / "submissions"


def test_an_optimizer_that_learned_states_what_learning_cost() -> None:
    """A run that is packed again without its fit.json would lose it."""
    entries = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SUBMISSIONS.glob("*/*/submission.json"))]
    learned = {entry["run_id"]: entry["fit"] for entry in entries if entry["optimizer"].partition(":")[0] in LEARNERS}
    assert {name for name, cost in learned.items() if not cost or min(cost["calls"], cost["tokens"]) < 1} == set()
