"""Storylines: what a user's conversations are to contain, before any words."""

from collections import Counter
from dataclasses import replace

from generation.storyline import IN_ANSWER, ITEMS, MENTIONS_FACT, MOST_WISHES, VARIES, Session, Storyline, bears_on, plan
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Conversation, Preference, Reveal, User
from persona_atlas.render import applicable_dimensions
from persona_atlas.tasks.templates import load_templates

Planned = list[tuple[User, Storyline]]
Told = list[tuple[User, Storyline, list[Conversation]]]


def reveals(planned: Planned) -> list[tuple[User, Session, Reveal]]:
    """Everything of preferences that is to be revealed, with its user and session."""
    return [(user, session, r) for user, storyline in planned for session in storyline.sessions for r in session.reveals if r.dimension != "hard"]


def mine(user: User, reveal: Reveal) -> list[Preference]:
    return [p for p in user.preferences if (p.dimension, p.value) == (reveal.dimension, reveal.value)]


def test_the_same_seed_and_user_give_the_same_storyline(planned: Planned) -> None:
    user, storyline = planned[0]
    assert plan(0, user) == storyline
    assert plan(1, user) != storyline


def test_a_user_has_as_many_sessions_as_it_says(planned: Planned) -> None:
    assert all([session.number for session in storyline.sessions] == list(range(user.sessions)) for user, storyline in planned)


def test_item_templates_are_never_asked_in_a_session(planned: Planned) -> None:
    for user, storyline in planned:
        items = {item.filling.template.template_id for item in storyline.items}
        assert len(items) == ITEMS
        assert not items & {session.template.template_id for session in storyline.sessions}, user.persona_id


def test_every_template_is_of_the_users_split_and_runs_no_code(planned: Planned) -> None:
    for user, storyline in planned:
        asked = [*(item.filling.template for item in storyline.items), *(session.template for session in storyline.sessions)]
        assert {template.split for template in asked} == {user.split}
        assert all(template.core for template in asked)


def test_items_have_something_to_personalize_but_for_scoped_users_outside_their_domains(planned: Planned) -> None:
    for user, storyline in planned:
        scope = user.preferences[0].scope
        for item in storyline.items:
            template = item.filling.template
            applying = user.in_force(user.sessions, template.domain).keys() & set(applicable_dimensions(template.template_id))
            assert bool(applying) == (not scope or template.domain in scope), item.item_id


def test_half_of_a_scoped_users_items_lie_outside_their_domains(planned: Planned) -> None:
    for user, storyline in planned:
        outside = sum(not user.in_force(user.sessions, item.filling.template.domain) for item in storyline.items)
        assert outside == (ITEMS // 2 if user.preferences[0].scope else 0), user.persona_id


def test_items_prefer_tasks_on_which_the_users_hard_constraints_bear(planned: Planned) -> None:
    bearing = [any(limit.constraint in item.filling.template.hard for limit in user.hard) for user, s in planned for item in s.items if user.hard]
    listed = {name for template in load_templates().values() for name in template.hard}
    chance = [any(limit.constraint in listed for limit in user.hard) for user, _ in planned if user.hard]
    assert sum(bearing) / len(bearing) > 0.3 * sum(chance) / len(chance)


def test_a_universal_constraint_bears_on_every_task() -> None:
    universal = [constraint.id for constraint in load_catalog().hard.values() if constraint.universal]
    assert universal
    assert all(bears_on(constraint, template) for constraint in universal for template in load_templates().values())


def test_a_query_asks_for_another_value_only_on_the_last_item_and_in_a_dimension_in_force(planned: Planned) -> None:
    found = [(user, item) for user, storyline in planned for item in storyline.items if item.override]
    assert len(found) > len(planned) / 3
    for user, item in found:
        dimension, value = item.override or ("", "")
        assert item.item_id.endswith(f"i{ITEMS - 1:02d}")
        assert user.in_force(user.sessions, item.filling.template.domain)[dimension] != value
        assert dimension in applicable_dimensions(item.filling.template.template_id)


def test_what_an_items_incomplete_question_lacks_is_mentioned_in_a_session_of_its_own(planned: Planned) -> None:
    for _, storyline in planned:
        wanted = [item.filling.said(i.mention) for item in storyline.items if item.mentioned and (i := item.filling.template.incomplete)]
        assert sorted(mention for session in storyline.sessions for mention in session.mentions) == sorted(wanted)
        assert all(len(session.mentions) <= 1 for session in storyline.sessions)


def test_about_half_of_the_incomplete_questions_are_mentioned(planned: Planned) -> None:
    able = [item.mentioned for _, storyline in planned for item in storyline.items if item.filling.template.incomplete]
    assert 0.4 < sum(able) / len(able) < 0.6


def test_a_session_reveals_few_things_and_each_dimension_once(planned: Planned) -> None:
    for _, storyline in planned:
        for session in storyline.sessions:
            shown = [reveal.dimension for reveal in session.reveals if reveal.dimension != "hard"]
            assert len(shown) == len(set(shown))
            assert sum(reveal.dimension != "hard" and reveal.how != "end" for reveal in session.reveals) <= MOST_WISHES


def test_what_speaks_of_an_answer_applies_to_the_sessions_task(planned: Planned) -> None:
    for _, session, reveal in reveals(planned):
        assert reveal.how not in IN_ANSWER or reveal.dimension in applicable_dimensions(session.template.template_id)


def test_what_is_let_known_as_standing_is_in_force_there(planned: Planned) -> None:
    for user, session, reveal in reveals(planned):
        if reveal.how in ("explicit", "change", "complaint", "praise"):
            assert user.in_force(session.number, session.template.domain)[reveal.dimension] == reveal.value


def test_facts_of_life_stand_for_implied_values_and_only_they(planned: Planned) -> None:
    for user, _, reveal in reveals(planned):
        if reveal.standing:
            assert {p.origin == "implied" for p in mine(user, reveal)} == {reveal.how == "fact"}


def test_a_change_is_told_in_the_session_in_which_it_happens(planned: Planned) -> None:
    found = [(user, session, reveal) for user, session, reveal in reveals(planned) if reveal.how == "change"]
    assert found
    for user, session, reveal in found:
        (preference,) = mine(user, reveal)
        assert preference.event
        assert preference.first_session == session.number


def test_an_exception_asks_for_a_value_that_does_not_stand(planned: Planned) -> None:
    found = [(user, session, reveal) for user, session, reveal in reveals(planned) if reveal.how == "exception"]
    assert found
    for user, session, reveal in found:
        assert user.in_force(session.number, session.template.domain).get(reveal.dimension) != reveal.value


def test_a_wish_is_lifted_in_the_session_after_its_last(planned: Planned) -> None:
    found = [(user, session, reveal) for user, session, reveal in reveals(planned) if reveal.how == "end"]
    assert found
    for user, session, reveal in found:
        (preference,) = mine(user, reveal)
        assert preference.last_session == session.number - 1


def test_only_what_was_told_is_lifted(told: Told) -> None:
    """`You no longer need to ...` of a wish that nobody spoke of would make no sense."""
    for user, storyline, _ in told:
        spoken: set[str] = set()
        for session in storyline.sessions:
            assert all(reveal.dimension in spoken for reveal in session.reveals if reveal.how == "end"), (user.persona_id, session.number)
            spoken |= {reveal.dimension for reveal in session.reveals if reveal.standing}


def test_every_hard_constraint_comes_up_once_and_by_its_origin(planned: Planned) -> None:
    for user, storyline in planned:
        found = [(r.value, r.how) for session in storyline.sessions for r in session.reveals if r.dimension == "hard"]
        assert sorted(found) == sorted((limit.constraint, "explicit" if limit.origin == "stated" else "fact") for limit in user.hard)


def test_praise_is_planned_for_an_answer_that_meets_and_the_rest_for_one_that_misses(planned: Planned) -> None:
    for _, session, reveal in reveals(planned):
        if reveal.how in IN_ANSWER:
            assert (session.first[reveal.dimension] == reveal.value) == (reveal.how == "praise")


def test_the_second_answer_is_planned_to_meet_what_was_said_where_it_heeds_the_user(planned: Planned) -> None:
    for _, session, reveal in reveals(planned):
        if reveal.how in IN_ANSWER:
            assert (session.second[reveal.dimension] == reveal.value) == (session.heeds or reveal.how == "praise")


def test_the_rest_of_a_second_answer_is_drawn_anew(planned: Planned) -> None:
    sessions = [session for _, storyline in planned for session in storyline.sessions]
    spoken = [{reveal.dimension for reveal in session.reveals} for session in sessions]
    first, second = (
        [{(d, v) for d, v in style.items() if d not in said} for style, said in zip(styles, spoken, strict=True)]
        for styles in ([s.first for s in sessions], [s.second for s in sessions])
    )
    kept = sum(len(one & other) for one, other in zip(first, second, strict=True))
    assert abs(sum(map(len, first)) - sum(map(len, second))) < 0.1 * sum(map(len, first))
    assert kept < 0.25 * sum(map(len, first))


def test_silent_users_reveal_nothing_but_facts_of_life_and_hard_constraints(told: Told) -> None:
    silent = [(user, storyline) for user, storyline, _ in told if user.style.feedback == "never"]
    assert len(silent) > 10
    assert {reveal.how for _, _, reveal in reveals(silent)} == {"fact"}


def test_who_gives_feedback_often_reveals_more_than_who_does_seldom(told: Told) -> None:
    stated: dict[str, list[bool]] = {"seldom": [], "often": []}
    for user, storyline, _ in told:
        said = {(r.dimension, r.value) for session in storyline.sessions for r in session.reveals if r.standing}
        for p in user.preferences:
            if user.style.feedback in stated and p.origin == "stated":
                stated[user.style.feedback].append((p.dimension, p.value) in said)
    seldom, often = (sum(stated[name]) / len(stated[name]) for name in ("seldom", "often"))
    assert 0.4 < seldom < 0.75 < often < 1.0


def test_most_implied_values_are_let_known_by_a_fact(told: Told) -> None:
    found = []
    for user, storyline, _ in told:
        facts = {r.dimension for session in storyline.sessions for r in session.reveals if r.how == "fact"}
        found += [p.dimension in facts for p in user.preferences if p.origin == "implied"]
    assert abs(sum(found) / len(found) - MENTIONS_FACT) < 0.07


def test_users_tell_in_their_own_way(told: Told) -> None:
    said: dict[str, Counter[str]] = {"plainly": Counter(), "by_complaint": Counter(), "by_praise": Counter()}
    for user, storyline, _ in told:
        if not user.preferences[0].scope:  # a scope has to be said in words
            said[user.style.tells].update(
                r.how for session in storyline.sessions for r in session.reveals if r.how in ("explicit", "complaint", "praise")
            )
    assert {tells: counts.most_common(1)[0][0] for tells, counts in said.items()} == {
        "plainly": "explicit",
        "by_complaint": "complaint",
        "by_praise": "praise",
    }


def test_strong_wishes_come_up_again_more_often_than_weak_ones(told: Told) -> None:
    again: dict[str, list[bool]] = {"weak": [], "normal": [], "strong": []}
    for user, storyline, _ in told:
        times = Counter((r.dimension, r.value) for session in storyline.sessions for r in session.reveals if r.standing)
        for p in user.preferences:
            if times[p.dimension, p.value] and p.origin == "stated":
                again[p.strength].append(times[p.dimension, p.value] > 1)
    weak, normal, strong = (sum(again[name]) / len(again[name]) for name in ("weak", "normal", "strong"))
    assert weak < normal < strong


def test_preferences_are_revealed_in_every_way_and_some_never(told: Told) -> None:
    planned = [(user, storyline) for user, storyline, _ in told]
    assert {reveal.how for _, _, reveal in reveals(planned)} == {"explicit", "complaint", "praise", "fact", "change", "exception", "end"}
    revealed = {(user.persona_id, r.dimension, r.value) for user, _, r in reveals(planned) if r.standing}
    every = [(user.persona_id, p.dimension, p.value) for user, _ in planned for p in user.preferences]
    assert 0.1 < sum(preference not in revealed for preference in every) / len(every) < 0.4


def test_what_answers_show_of_themselves_has_nothing_of_the_users(told: Told) -> None:
    """Of a dimension that the user does not speak of in the session, neither whether an answer shows it nor what is the user's."""
    hit, chance, styled = [], [], {True: [0, 0], False: [0, 0]}
    for user, storyline, _ in told:
        for session in storyline.sessions:
            held = user.in_force(session.number, session.template.domain)
            spoken = {reveal.dimension for reveal in session.reveals}
            for dimension in set(applicable_dimensions(session.template.template_id)) - spoken - {"length"}:
                styled[dimension in held][0] += dimension in session.first
                styled[dimension in held][1] += 1
                if dimension in session.first and dimension in held:
                    hit.append(session.first[dimension] == held[dimension])
                    chance.append(1 / len(load_catalog().dimensions[dimension].values))
    assert len(hit) > 300
    assert abs(sum(hit) - sum(chance)) < 3 * sum(p * (1 - p) for p in chance) ** 0.5
    mine, others = (shown / all_ for shown, all_ in (styled[True], styled[False]))
    assert abs(mine - others) < 0.05
    assert VARIES - 0.08 < others <= VARIES + 0.02


def test_the_storyline_of_a_user_does_not_depend_on_other_users_or_their_writing(planned: Planned) -> None:
    user, storyline = planned[0]
    assert plan(0, replace(user, style=replace(user.style, opener="yo ", typo_rate=0.03, lowercase=True))) == storyline
