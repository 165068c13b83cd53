"""Whose runs get a place on the leaderboard: every optimizer's and the baselines'. Other controls have a row."""

from eval_harness.baselines import BASELINES
from eval_harness.controls import CONTROLS

UNPLACED = frozenset(name for name in CONTROLS if name not in BASELINES)
"""Optimizers without a place: some are told the user's values, and their prompts are computed again."""
