"""Training cases, on a real release: what is to be written follows from gold, quotes the user, keeps the query, and holds nothing of a test."""

from collections import Counter

import pytest

from persona_atlas.data import Release, load_dataset
from persona_atlas.ppopt.cases import ASKED, ELSEWHERE, NOISE, ONCE, OVER, Case, Mix, cases
from persona_atlas.ppopt.rewards import profile
from persona_atlas.ppopt.text import NOTHING, Reply, lost, parse
from persona_atlas.ppopt.wishes import wishes
from persona_atlas.preferences import load_catalog
from persona_atlas.records import User

MIX = Mix(noise=0.4, twins=0.3, anew=0.75, shorter=0.4, budget=1500)


def tokens(text: str) -> int:
    return len(text.split())


@pytest.fixture(scope="module")
def release() -> Release:
    """The one in the package: it has more users than the tiny one of the other tests."""
    return load_dataset()


@pytest.fixture(scope="module")
def made(release: Release) -> list[Case]:
    return list(cases(release, MIX, range(150), tokens, 0))


@pytest.fixture(scope="module")
def replies(made: list[Case]) -> list[Reply]:
    return [parse(case.writes) for case in made]


@pytest.fixture(scope="module")
def users(release: Release) -> dict[str, User]:
    owners = {user.persona_id: user for user in release.users("train")}
    return {item.item_id: owners[item.persona_id] for item in release.items("train")}


def test_what_is_to_be_written_earns_all_that_a_reply_can(made: list[Case], replies: list[Reply]) -> None:
    for case, reply in zip(made, replies, strict=True):
        assert reply.flaw is None
        assert lost(case.query, reply.prompt or "") is None
        assert profile(reply, case.values, case.said) == 1.0


def test_quotations_are_the_users_own_words(made: list[Case], replies: list[Reply]) -> None:
    found = 0
    for case, reply in zip(made, replies, strict=True):
        for finding in reply.findings:
            assert finding.evidence in case.reads
            found += 1
    assert found > 150


def test_what_is_wanted_is_in_force_unless_no_word_of_its_end_is_shown(made: list[Case], users: dict[str, User], release: Release) -> None:
    items = {item.item_id: item for item in release.items("train")}
    right = wrong = 0
    for case in made:
        item, user = items[case.item_id], users[case.item_id]
        for dimension, value in case.values.items():
            held = user.in_force(item.session, item.domain).get(dimension) == value
            right, wrong = right + held, wrong + (not held)
            assert held or any(p.dimension == dimension and p.value == value for p in user.preferences)
    assert right > 15 * wrong


def test_a_prompt_asks_for_what_the_profile_wants_and_the_answer_can_show(made: list[Case], replies: list[Reply], release: Release) -> None:
    items = {item.item_id: item for item in release.items("train")}
    meant = {sentence: meaning for meaning, wish in wishes().items() for sentence in wish.ask}
    asked_for = 0
    for case, reply in zip(made, replies, strict=True):
        item = items[case.item_id]
        asks = {meaning for sentence, meaning in meant.items() if sentence in (reply.prompt or "").removeprefix(case.query)}
        of_use = {gold.dimension for gold in item.gold}
        assert {ask for ask in asks if ask[0] != "hard"} == {meaning for meaning in case.values.items() if meaning[0] in of_use}
        assert {constraint for dimension, constraint in asks if dimension == "hard"} <= set(item.hard)
        asked_for += len(asks)
    assert asked_for > 60


def test_all_verdicts_occur_and_some_queries_stay_as_they_are(made: list[Case], replies: list[Reply]) -> None:
    verdicts = Counter(finding.verdict for reply in replies for finding in reply.findings)
    assert min(verdicts[verdict] for verdict in (ONCE, OVER, ELSEWHERE, ASKED, *NOISE.values())) > 0
    assert sum(reply.prompt == case.query for case, reply in zip(made, replies, strict=True)) > 20
    assert sum(NOTHING in case.writes for case in made) > 5


def test_what_is_read_varies_and_most_wishes_are_asked_for(made: list[Case]) -> None:
    assert len({case.reads for case in made}) > 0.9 * len(made)
    said = [wish.ask[0] for wish in wishes().values() if any(wish.ask[0] in case.writes for case in made)]
    assert len(said) > 0.8 * len(wishes())


def test_the_same_seed_makes_the_same_cases(made: list[Case], release: Release) -> None:
    assert list(cases(release, MIX, range(20), tokens, 0)) == made[:20]
    assert list(cases(release, MIX, range(20), tokens, 1)) != made[:20]


def test_nothing_of_a_test_is_in_them(made: list[Case]) -> None:
    catalog = load_catalog()
    held_out = {dimension.id for dimension in catalog.dimensions.values() if "train" not in dimension.splits}
    assert not held_out & {dimension for case in made for dimension in case.values}
    banks = [banks for value in catalog.values() for split, banks in value.phrasings.items() if split != "train"]
    others = [line.lower() for kinds in banks for lines in kinds.values() for line in lines if len(line) > 20]
    assert len(others) > 1000
    assert [line for line in others for case in made if line in case.reads.lower() or line in case.writes.lower()] == []
