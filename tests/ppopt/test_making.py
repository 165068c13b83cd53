"""The cases of a recipe are the same, whether this process makes them or workers do."""

import pytest

from persona_atlas.data import Release
from persona_atlas.ppopt import making
from persona_atlas.ppopt.base import CHATS
from persona_atlas.ppopt.making import Plan, made
from persona_atlas.ppopt.recipe import load_recipe


def test_workers_make_the_same_cases_in_the_same_order(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(release, load_recipe("sft", "cpu"), "no base", CHATS, profile=True, questions=0.2, seed=3)
    numbers = {"drills": 5, "writes": 3, "cases": 6}
    here = list(made(plan, numbers))
    assert [case.item_id for case in here[:8]] == [f"chat-drill-{i}" for i in range(5)] + [f"write-drill-{i}" for i in range(3)]
    monkeypatch.setattr(making, "PART", 2)
    assert list(made(plan, numbers)) == here
