"""How preferences hold and change: scopes, drift at labelled events, lifted wishes, what is only implied."""

from collections import Counter, defaultdict

from generation.banks import frames
from generation.dynamics import EARLIEST, SCOPED, STRENGTHS
from generation.life import life_of
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS, Preference, User
from persona_atlas.tasks.templates import load_templates

DOMAINS = {split: {template.domain for template in load_templates().values() if template.split == split} for split in SPLITS}


def by_dimension(user: User) -> dict[str, list[Preference]]:
    found = defaultdict(list)
    for preference in user.preferences:
        found[preference.dimension].append(preference)
    return found


def drifts(users: list[User]) -> list[tuple[User, Preference, Preference]]:
    """Each value that took another's place, with the one before it."""
    return [(user, *pair) for user in users for pair in by_dimension(user).values() if len(pair) == 2]  # type: ignore[misc]


def lifted(users: list[User]) -> list[tuple[User, Preference]]:
    return [(user, mine[0]) for user in users for mine in by_dimension(user).values() if len(mine) == 1 and mine[0].last_session is not None]


def test_preference_in_force_in_its_sessions_and_domains_alone() -> None:
    preference = Preference("length", "brief", {}, scope=("cooking",), first_session=2, last_session=5)
    assert [session for session in range(8) if preference.in_force(session, "cooking")] == [2, 3, 4, 5]
    assert not preference.in_force(3, "travel")


def test_at_every_session_a_dimension_has_at_most_one_value_in_force(some_users: list[User]) -> None:
    for user in some_users:
        for domain in DOMAINS[user.split]:
            for session in range(user.sessions + 1):
                held = Counter(p.dimension for p in user.preferences if p.in_force(session, domain))
                assert set(held.values()) <= {1}, (user.persona_id, session, held)


def test_a_scoped_user_has_all_preferences_in_the_same_few_domains(some_users: list[User]) -> None:
    for user in some_users:
        (scope,) = {preference.scope for preference in user.preferences}
        assert set(scope) <= DOMAINS[user.split]
        assert len(scope) <= min(4, len(DOMAINS[user.split]) // 2)


def test_about_as_many_users_are_scoped_as_it_says(some_users: list[User]) -> None:
    assert abs(sum(bool(user.preferences[0].scope) for user in some_users) / len(some_users) - SCOPED) < 0.06


def test_a_drift_is_from_one_value_to_another_without_a_gap(some_users: list[User]) -> None:
    found = drifts(some_users)
    assert len(found) > 100
    for user, before, after in found:
        assert before.value != after.value
        assert (before.first_session, after.last_session) == (0, None)
        assert before.last_session == after.first_session - 1
        assert EARLIEST <= after.first_session < user.sessions - 1


def test_the_value_after_a_drift_names_the_event_that_changed_it(some_users: list[User]) -> None:
    for user, before, after in drifts(some_users):
        assert before.event == ""
        assert after.event in {entry["event"] for entry in frames()[user.split]["change"]}


def test_every_event_changes_something_for_somebody(some_users: list[User]) -> None:
    for split in SPLITS:
        events = {after.event for user, _, after in drifts(some_users) if user.split == split}
        assert events == {entry["event"] for entry in frames()[split]["change"]}


def test_only_what_took_anothers_place_has_an_event(some_users: list[User]) -> None:
    after = {(user.persona_id, new.dimension, new.value) for user, _, new in drifts(some_users)}
    assert after == {(user.persona_id, p.dimension, p.value) for user in some_users for p in user.preferences if p.event}


def test_a_lifted_wish_ends_and_nothing_takes_its_place(some_users: list[User]) -> None:
    found = lifted(some_users)
    assert len(found) > 100
    for user, preference in found:
        assert EARLIEST - 1 <= (preference.last_session or 0) < user.sessions - 2
        assert all(preference.dimension not in user.in_force(user.sessions, domain) for domain in DOMAINS[user.split])


def test_users_lift_one_wish_at_most(some_users: list[User]) -> None:
    assert max(Counter(user.persona_id for user, _ in lifted(some_users)).values()) == 1


def test_implied_values_are_of_dimensions_with_facts_of_life(some_users: list[User]) -> None:
    implied = [(user, p) for user in some_users for p in user.preferences if p.origin == "implied"]
    assert implied
    assert all(load_catalog().dimensions[p.dimension].implied_in(user.split) for user, p in implied)
    assert all(p.event == "" and p.last_session is None for _, p in implied)


def test_of_the_dimensions_with_facts_about_half_are_implied(some_users: list[User]) -> None:
    possible = [
        p for user in some_users for p in user.preferences if p.last_session is None and load_catalog().dimensions[p.dimension].implied_in(user.split)
    ]
    undrifted = [p for p in possible if not p.event]
    assert 0.4 < sum(p.origin == "implied" for p in undrifted) / len(undrifted) < 0.65


def test_who_never_speaks_of_answers_does_not_change_or_lift_wishes(some_users: list[User]) -> None:
    silent = [user for user in some_users if user.style.feedback == "never"]
    assert silent
    assert all(p.last_session is None and not p.event for user in silent for p in user.preferences)


def test_values_before_a_drift_and_lifted_ones_are_drawn_from_all(some_users: list[User]) -> None:
    for dimension in ("length", "structure", "closing"):
        past = {p.value for user in some_users for p in user.preferences if p.dimension == dimension and p.last_session is not None}
        assert past == set(load_catalog().dimensions[dimension].values)


def test_strengths_are_as_common_as_they_say(some_users: list[User]) -> None:
    found = Counter(p.strength for user in some_users for p in user.preferences if p.last_session is None)
    assert all(abs(found[name] / found.total() - share) < 0.03 for name, share in STRENGTHS.items())


def test_nothing_changes_a_wish_that_cannot_happen_in_the_users_life(some_users: list[User]) -> None:
    for user, _, after in drifts(some_users):
        texts = [entry["text"] for entry in frames()[user.split]["change"] if entry["event"] == after.event]
        assert any(life_of(user).allows(text) for text in texts), (user.persona_id, after.event)
