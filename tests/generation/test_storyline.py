"""Storylines: what a user's conversations are to contain, before any words."""

import pytest

from generation.people import BLOCK, Block, users_of
from generation.storyline import ITEMS, SESSIONS, Session, Storyline, plan
from persona_atlas.records import SPLITS, Reveal, User
from persona_atlas.render import applicable_dimensions


@pytest.fixture(scope="module")
def planned() -> list[tuple[User, Storyline]]:
    """The storylines of a block of users of each split."""
    return [(user, plan(0, user)) for split in SPLITS for user in users_of(0, Block(split, 0, BLOCK))]


def reveals(planned: list[tuple[User, Storyline]]) -> list[tuple[Session, Reveal]]:
    """Every preference that is to be revealed, with its session."""
    return [(session, r) for _, storyline in planned for session in storyline.sessions for r in session.reveals if r.dimension != "hard"]


def test_the_same_seed_and_user_give_the_same_storyline(planned: list[tuple[User, Storyline]]) -> None:
    user, storyline = planned[0]
    assert plan(0, user) == storyline
    assert plan(1, user) != storyline


def test_the_number_of_sessions_stays_in_its_range(planned: list[tuple[User, Storyline]]) -> None:
    assert {len(storyline.sessions) for _, storyline in planned} == set(range(SESSIONS[0], SESSIONS[1] + 1))


def test_item_templates_are_never_asked_in_a_session(planned: list[tuple[User, Storyline]]) -> None:
    for user, storyline in planned:
        items = {template.template_id for template in storyline.item_templates}
        assert len(items) == ITEMS
        assert not items & {session.template.template_id for session in storyline.sessions}, user.persona_id


def test_every_item_template_has_something_to_personalize(planned: list[tuple[User, Storyline]]) -> None:
    for user, storyline in planned:
        mine = {preference.dimension for preference in user.preferences}
        assert all(mine & set(applicable_dimensions(template.template_id)) for template in storyline.item_templates)


def test_every_template_is_of_the_users_split(planned: list[tuple[User, Storyline]]) -> None:
    for user, storyline in planned:
        asked = [*storyline.item_templates, *(session.template for session in storyline.sessions)]
        assert {template.split for template in asked} == {user.split}


def test_a_session_reveals_at_most_two_preferences_that_apply_to_its_task(planned: list[tuple[User, Storyline]]) -> None:
    for _, storyline in planned:
        for session in storyline.sessions:
            shown = [reveal.dimension for reveal in session.reveals if reveal.dimension != "hard"]
            assert len(shown) == len(set(shown)) <= 2
            assert set(shown) <= set(applicable_dimensions(session.template.template_id))


def test_users_reveal_only_what_they_have(planned: list[tuple[User, Storyline]]) -> None:
    for user, storyline in planned:
        mine = {(p.dimension, p.value) for p in user.preferences} | {("hard", limit.constraint) for limit in user.hard}
        assert {(r.dimension, r.value) for session in storyline.sessions for r in session.reveals} <= mine


def test_every_hard_constraint_comes_up_once(planned: list[tuple[User, Storyline]]) -> None:
    for user, storyline in planned:
        found = [r.value for session in storyline.sessions for r in session.reveals if r.dimension == "hard"]
        assert sorted(found) == sorted(limit.constraint for limit in user.hard)


def test_praise_is_planned_for_an_answer_that_meets_and_complaints_for_one_that_misses(planned: list[tuple[User, Storyline]]) -> None:
    for session, reveal in reveals(planned):
        assert (session.first[reveal.dimension] == reveal.value) == (reveal.how == "praise")


def test_the_second_answer_is_planned_to_meet_whatever_was_said(planned: list[tuple[User, Storyline]]) -> None:
    assert all(session.second[reveal.dimension] == reveal.value for session, reveal in reveals(planned))


def test_preferences_are_revealed_in_three_ways_and_some_never(planned: list[tuple[User, Storyline]]) -> None:
    assert {reveal.how for _, reveal in reveals(planned)} == {"explicit", "complaint", "praise"}
    revealed = {(user.persona_id, r.dimension) for user, storyline in planned for session in storyline.sessions for r in session.reveals}
    unrevealed = [p for user, _ in planned for p in user.preferences if (user.persona_id, p.dimension) not in revealed]
    assert 0.05 < len(unrevealed) / sum(len(user.preferences) for user, _ in planned) < 0.3
