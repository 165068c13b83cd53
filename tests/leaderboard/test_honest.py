"""What honest people send is accepted, and said to be what it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eval_harness.suites import Suite
from leaderboard.verify import verify, verify_one
from persona_atlas.data import Release

HONEST = [("reads", "scripted"), ("history", "scripted"), ("reads", "wordy"), ("brief", "wordy"), ("history", "wordy")]


@pytest.mark.parametrize(("optimizer", "model"), HONEST)
def test_an_honest_submission_is_accepted(optimizer: str, model: str, packed: Callable[..., Path], small: Release, tiny: Suite) -> None:
    verdict = verify_one(packed(optimizer, model), small, tiny)
    assert [(check.name, check.faults) for check in verdict.checks if not check.passed] == []
    assert verdict.accepted


def test_honest_submissions_are_accepted_beside_each_other(packed: Callable[..., Path], small: Release, tiny: Suite) -> None:
    verdicts = list(verify([packed(*one) for one in HONEST], small, tiny))
    assert [verdict.accepted for verdict in verdicts] == [True] * len(HONEST), [verdict.checks for verdict in verdicts]
