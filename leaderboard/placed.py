"""Which runs get a place on the leaderboard: those of optimizers and of baselines. Other controls only have a row."""

from eval_harness.baselines import BASELINES
from eval_harness.controls import CONTROLS

UNPLACED = frozenset(name for name in CONTROLS if name not in BASELINES)
"""Optimizers without a place. Some of them are told the user's values, and their prompts are computed again."""
