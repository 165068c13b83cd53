"""Training cases that read chat by chat: what is to be written quotes the user, follows from gold, and can be read back."""

from collections import Counter

import pytest

from persona_atlas.data import Release, load_dataset
from persona_atlas.ppopt.areas import areas, named
from persona_atlas.ppopt.cases import NOISE, ONCE, Case, Mix
from persona_atlas.ppopt.chat_cases import chat_cases, chat_drills, chatter, write_drills
from persona_atlas.ppopt.chats import NO_LONGER, NOTHING, ONLY, parse_read, wanted
from persona_atlas.ppopt.text import WANTS, lost, parse
from persona_atlas.ppopt.wishes import asks_in, wishes

MIX = Mix(noise=0.4, twins=0.3, anew=0.6, shorter=0.3, budget=600)


@pytest.fixture(scope="module")
def release() -> Release:
    return load_dataset()


@pytest.fixture(scope="module")
def reading(release: Release) -> list[Case]:
    return [*chat_drills(release, range(250), 0), *(case for case in chat_cases(release, MIX, range(150), 0, 0.0) if not case.query)]


@pytest.fixture(scope="module")
def writing(release: Release) -> list[Case]:
    return [*write_drills(range(60), 0), *chat_cases(release, MIX, range(80), 0, 1.0)]


def test_what_is_read_quotes_the_chat_and_has_the_form(reading: list[Case]) -> None:
    found = Counter[str]()
    for case in reading:
        findings, flaw = parse_read(case.writes)
        assert flaw is None
        found.update(finding.verdict for finding in findings)
        assert all(finding.evidence in case.reads for finding in findings)
        assert bool(findings) != (NOTHING in case.writes)
    assert {ONCE, *NOISE.values()} <= set(found)
    assert {told[0] for verdict in found if (told := wanted(verdict))} >= {meaning for meaning in wishes() if meaning[0] != "hard"}
    assert any(verdict.startswith(NO_LONGER) for verdict in found)
    assert any(ONLY in verdict for verdict in found)
    assert all(verdict.startswith((WANTS, NO_LONGER)) or verdict in (ONCE, *NOISE.values()) for verdict in found)


def test_areas_are_those_of_the_user_and_named_in_the_chat(reading: list[Case]) -> None:
    for case in reading:
        for finding in parse_read(case.writes)[0]:
            told = wanted(finding.verdict)
            if told and told[1]:
                assert set(named(told[1])) <= set(areas().values())


def test_a_prompt_keeps_the_query_and_asks_for_what_is_known(writing: list[Case]) -> None:
    asking = 0
    for case in writing:
        reply = parse(case.writes, profile=False)
        assert reply.flaw is None
        assert lost(case.query, reply.prompt or "") is None
        asked = asks_in(case.query, reply.prompt or "")
        assert {dimension for dimension, _ in asked if dimension != "hard"} <= set(case.values)
        asking += bool(asked)
    assert 0.2 < asking / len(writing) < 0.95


def test_the_same_seed_makes_the_same_cases(release: Release) -> None:
    assert list(chat_cases(release, MIX, range(10), 0, 0.5)) == list(chat_cases(release, MIX, range(10), 0, 0.5))
    assert list(chat_cases(release, MIX, range(10), 0, 0.5)) != list(chat_cases(release, MIX, range(10), 1, 0.5))
    assert list(chat_drills(release, range(5), 0)) != list(chat_drills(release, range(5), 1))
    assert list(write_drills(range(5), 0)) == list(write_drills(range(5), 0)) != list(write_drills(range(5), 1))


def test_some_drilled_chats_let_nothing_be_known(release: Release) -> None:
    nothing = [case for case in chat_drills(release, range(100), 0) if NOTHING in case.writes]
    assert 5 < len(nothing) < 40
    revealing = {turn.content for chat in release.conversations("train") for turn in chat.turns if turn.reveals}
    assert not any(sentence in revealing for sentence in chatter(release))


def test_a_drilled_question_asks_for_what_bears_on_it_alone() -> None:
    """What is bound to areas is asked for only where the question's is one of them, which is the same for all that one user binds."""
    here, elsewhere, everywhere = 0, 0, 0
    for case in write_drills(range(120), 0):
        held = dict(told for line in case.reads.splitlines() if line.startswith("- ") and (told := wanted(f"{WANTS} {line[2:]}.")))
        asked = set(asks_in(case.query, parse(case.writes, profile=False).prompt or ""))
        assert asked <= set(held)
        assert ("hard", "screen_reader") not in set(held) - asked  # it bears on every question
        bound = {meaning for meaning, area in held.items() if area}
        if len(bound) > 3:
            assert not bound & asked or len(bound & asked) > len(bound) / 2
            here, elsewhere = here + bool(bound & asked), elsewhere + (not bound & asked)
        everywhere += bool(asked - bound)
    assert min(here, elsewhere) > 3
    assert everywhere > 60
