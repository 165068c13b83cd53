"""What the generator's tests share: two hundred users of the test split, told in memory, and their items."""

from collections import Counter
from typing import Any

import pytest

from generation.items import items_of
from generation.people import BLOCK, Block, blocks, users_of
from generation.scripted import speak
from generation.storyline import Storyline, plan
from generation.verify import Report, verify
from persona_atlas.data import Release
from persona_atlas.records import SPLITS, Conversation, Item, User

Told = tuple[User, Storyline, list[Conversation]]
Made = tuple[User, list[Conversation], Item]


@pytest.fixture(scope="session")
def some_users() -> list[User]:
    """Eight blocks of users of each split."""
    return [user for split in SPLITS for number in range(8) for user in users_of(0, Block(split, number, BLOCK))]


@pytest.fixture(scope="session")
def planned() -> list[tuple[User, Storyline]]:
    """The storylines of a block of users of each split."""
    return [(user, plan(0, user)) for split in SPLITS for user in users_of(0, Block(split, 0, BLOCK))]


@pytest.fixture(scope="session")
def told() -> list[Told]:
    """200 test users with their storylines and conversations."""
    users = [user for block in blocks({"test": 200}) for user in users_of(0, block)]
    storylines = [plan(0, user) for user in users]
    return [(user, storyline, speak(0, user, storyline)[0]) for user, storyline in zip(users, storylines, strict=True)]


@pytest.fixture(scope="session")
def _items(told: list[Told]) -> tuple[list[Made], Counter[str]]:
    found: list[Made] = []
    failures: Counter[str] = Counter()
    for user, storyline, conversations in told:
        items, failed = items_of(0, user, storyline, conversations, [])
        failures.update(failed)
        found += [(user, conversations, item) for item in items]
    return found, failures


@pytest.fixture(scope="session")
def made(_items: tuple[list[Made], Counter[str]]) -> list[Made]:
    """The items of these users, each with its user and history; without history noise."""
    return _items[0]


@pytest.fixture(scope="session")
def failures(_items: tuple[list[Made], Counter[str]]) -> Counter[str]:
    """What was not made of these items, by reason."""
    return _items[1]


@pytest.fixture(scope="session")
def clean_report(release: Release) -> Report:
    """What verify says of the tiny release as it was built."""
    return verify(release)


@pytest.fixture
def audited() -> dict[str, Any]:
    """What of an audit.json a push and a card read, of a release that passes."""
    column = {"distinct_2": 0.5186, "mtld": 149.2, "self_bleu": 0.3592, "vendi_share": 0.5161, "top_openings_share": 0.04528}
    columns = {"train": column, "validation": column, "test": column, "test_ood": column, "reference: chats.jsonl": {**column, "mtld": None}}
    return {
        "passed": True,
        "release": {"users_by_split": {"train": 5, "validation": 1, "test": 3, "test_ood": 1}},
        "checks": [{"state": "passed"}, {"state": "passed"}, {"state": "not judged"}],
        "diversity": {"user": {"words_compared": 20_000, "columns": columns}},
        "references": {"chats.jsonl": {"fidelity": {"auc": 0.99991}, "nearness": {"most_similar": 0.108, "longest_run": 6}}},
        "identifiability": {"revealed": 0.7374, "histories": {"skill": 0.0354}},
        "coherence": {"contradicting": 2, **{kind: {"users": 2} for kind in ("attributes", "texts", "changes", "preferences")}},
        "privacy": {"personal_data": {"count": 0}},
    }
