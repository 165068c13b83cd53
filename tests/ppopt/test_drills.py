"""Drills: every sentence is quoted with what follows from it, the last word on a matter counts, and all that users can mean comes up."""

import pytest

from persona_atlas.ppopt.cases import NOISE, ONCE, OVER, Case, Mix
from persona_atlas.ppopt.chat_cases import verdict
from persona_atlas.ppopt.chats import in_force, wanted
from persona_atlas.ppopt.drills import drill, drills
from persona_atlas.ppopt.rewards import profile
from persona_atlas.ppopt.text import WANTS, Finding, Reply, lost, parse
from persona_atlas.ppopt.wishes import wishes

MIX = Mix(noise=0.0, twins=0.0, anew=0.0, shorter=0.0, budget=0)


@pytest.fixture(scope="module")
def made() -> list[Case]:
    return list(drills(MIX, range(250), 0))


@pytest.fixture(scope="module")
def replies(made: list[Case]) -> list[Reply]:
    return [parse(case.writes) for case in made]


def test_what_is_to_be_written_earns_all_that_a_reply_can(made: list[Case], replies: list[Reply]) -> None:
    for case, reply in zip(made, replies, strict=True):
        assert reply.flaw is None
        assert lost(case.query, reply.prompt or "") is None
        assert profile(reply, case.values, case.said) == 1.0


def test_lines_stand_in_the_order_of_what_they_quote(made: list[Case], replies: list[Reply]) -> None:
    for case, reply in zip(made, replies, strict=True):
        place = 0
        for finding in reply.findings:
            place = case.said.index(finding.evidence, place) + 1


def test_of_one_matter_one_thing_is_wanted(replies: list[Reply]) -> None:
    for reply in replies:
        dimensions = [entry.preference for entry in reply.profile()]
        assert len(dimensions) == len(set(dimensions))


def test_what_is_wanted_is_what_is_in_force_after_the_last_sentence() -> None:
    for number in range(100):
        case, said = drill(MIX, number, 0)
        held = in_force([[Finding(one.quote, verdict(one.meaning, one.way)) for one in said]])
        assert case.values == dict(told[0] for finding in held if (told := wanted(finding.verdict)))


def test_all_that_users_can_want_comes_up(made: list[Case], replies: list[Reply]) -> None:
    assert {meaning for case in made for meaning in case.values.items()} == {meaning for meaning in wishes() if meaning[0] != "hard"}
    verdicts = {finding.verdict for reply in replies for finding in reply.findings if not finding.verdict.startswith(WANTS)}
    assert verdicts == {ONCE, OVER, *NOISE.values()}


def test_the_same_seed_makes_the_same_drills(made: list[Case]) -> None:
    assert list(drills(MIX, range(5), 0)) == made[:5]
    assert list(drills(MIX, range(5), 1)) != made[:5]
    assert "<profile>" not in next(drills(Mix(0.0, 0.0, 0.0, 0.0, 0, profile=False), range(1), 0)).writes
