"""Items: gold that holds in the end, lures that the history speaks of, slices, and what the query itself asks for."""

from collections import Counter

import pytest

from generation.items import gold_of, lures_of, slices_of
from generation.people import Block, users_of
from generation.storyline import ITEMS, Storyline
from persona_atlas.ledger import states
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Conversation, Held, Item, Preference, Reveal, Turn, User
from persona_atlas.render import applicable_dimensions
from persona_atlas.render.witness import problems
from persona_atlas.scoring import filling_of

Made = list[tuple[User, list[Conversation], Item]]
TASK, DOMAIN = "cooking.risotto_for_guests", "cooking"


def reveals(history: list[Conversation]) -> list[Reveal]:
    return [reveal for conversation in history for turn in conversation.turns for reveal in turn.reveals]


def excepted(history: list[Conversation]) -> set[tuple[str, str]]:
    return {(reveal.dimension, reveal.value) for reveal in reveals(history) if reveal.how == "exception"}


def test_every_user_has_their_items_but_for_few_that_are_counted(made: Made, failures: Counter[str]) -> None:
    left_out = sum(number for reason, number in failures.items() if reason.startswith("item left out: no joint witness in "))
    assert len(made) + left_out == 200 * ITEMS
    assert left_out < 0.01 * len(made)


def test_gold_is_what_is_in_force_after_the_last_conversation_and_applies_to_the_task(made: Made) -> None:
    for user, _, item in made:
        held = user.in_force(user.sessions, item.domain)
        applying = {dimension: value for dimension, value in held.items() if dimension in applicable_dimensions(item.template_id)}
        assert {gold.dimension: gold.value for gold in item.gold if gold.source == "preference"}.items() <= applying.items()
        assert {gold.dimension for gold in item.gold} == set(applying)


def test_gold_after_a_drift_is_the_new_value(made: Made) -> None:
    found = 0
    for user, _, item in made:
        for gold in (gold for gold in item.gold if gold.source == "preference"):
            past = {p.value for p in user.preferences if p.dimension == gold.dimension and p.last_session is not None}
            found += bool(past)
            assert gold.value not in past
    assert found


def test_exceptions_do_not_persist_in_gold(made: Made) -> None:
    """What was asked for this once is gold only where the user also wants it always."""
    found = 0
    for user, history, item in made:
        standing = {(p.dimension, p.value) for p in user.preferences if p.last_session is None}
        found += bool({d for d, _ in excepted(history)} & {gold.dimension for gold in item.gold})
        assert not {(gold.dimension, gold.value) for gold in item.gold if gold.source == "preference"} & (excepted(history) - standing)
    assert found


def test_every_witness_solves_the_task_and_shows_all_gold_and_keeps_the_hard_constraints(made: Made) -> None:
    for _, _, item in made[::5]:
        assert problems(filling_of(item), item.witness, {gold.dimension: gold.value for gold in item.gold}, item.hard) == []


def test_the_hard_constraints_of_an_item_are_those_of_its_user_that_bear_on_the_task(made: Made) -> None:
    for user, _, item in made:
        template, mine = filling_of(item).template, {limit.constraint for limit in user.hard}
        assert set(item.hard) == {name for name in mine if name in template.hard or load_catalog().hard[name].universal}


def test_states_are_what_the_ledger_says(made: Made) -> None:
    for _, history, item in made:
        assert {gold.dimension: gold.state for gold in item.gold} == states(item.gold, history)


def test_gold_is_mostly_revealed_and_sometimes_not(made: Made) -> None:
    found = Counter(gold.state for _, _, item in made for gold in item.gold)
    assert set(found) == {"revealed", "unrevealed", "contradicted"}
    assert 0.6 < found["revealed"] / found.total() < 0.9


def test_revealed_gold_names_a_session_that_reveals_it(made: Made) -> None:
    for _, history, item in made:
        for gold in item.gold:
            revealing = {
                c.session
                for c in history
                for t in c.turns
                for r in t.reveals
                if r.standing and (r.dimension, r.value) == (gold.dimension, gold.value)
            }
            assert (gold.revealed_in in revealing) == (gold.state == "revealed" and gold.source == "preference")


def test_gold_of_users_who_say_nothing_of_answers_is_revealed_by_facts_alone(made: Made) -> None:
    for user, _, item in (entry for entry in made if entry[0].style.feedback == "never"):
        implied = {p.dimension for p in user.preferences if p.origin == "implied"}
        assert {gold.dimension for gold in item.gold if gold.state == "revealed" and gold.source == "preference"} <= implied


def test_a_query_that_asks_for_a_value_itself_has_precedence(made: Made) -> None:
    found = 0
    for user, _, item in made:
        for gold in (gold for gold in item.gold if gold.source == "query"):
            found += 1
            assert user.in_force(user.sessions, item.domain)[gold.dimension] != gold.value
            assert (gold.state, gold.revealed_in) == ("revealed", None)
            requests = load_catalog().value(gold.dimension, gold.value).phrasings["test"]["request"]
            assert any(request.lower().rstrip(".") in item.query.lower() for request in requests), item.query
    assert found > 50


def test_only_queries_that_ask_for_a_value_hold_a_request(made: Made) -> None:
    requests = [line.lower().rstrip(".") for value in load_catalog().values() for line in value.phrasings.get("test", {}).get("request", ())]
    for _, _, item in made:
        asks = any(request in item.query.lower() for request in requests if len(request) > 15)
        assert not asks or "conflict" in item.slices, item.query


# Lures, by kind: one user who wanted it brief in cooking, and a history in which they said so.


def user_with(*preferences: Preference) -> User:
    (user,) = users_of(0, Block("test", 0, 1))
    return User(user.persona_id, "test", user.name, 10, user.attributes, user.style, preferences, ())


def history(*said: Reveal) -> list[Conversation]:
    turns = (Turn("user", "?", "ask", said),)
    return [Conversation("u-c00", "u", "test", 0, TASK, DOMAIN, {}, "?", turns)]


BRIEF = Reveal("length", "brief", "explicit")


@pytest.mark.parametrize(
    ("preferences", "said", "why"),
    [
        ([Preference("length", "brief", {}, scope=("travel",))], BRIEF, "out_of_scope"),
        ([Preference("length", "brief", {}, last_session=4)], BRIEF, "expired"),
        ([], Reveal("length", "brief", "exception"), "exception_over"),
        ([Preference("length", "brief", {}, last_session=4), Preference("length", "long", {}, first_session=5, event="new_job")], BRIEF, "replaced"),
    ],
    ids=["out of scope", "expired", "exception over", "replaced"],
)
def test_what_was_spoken_of_and_is_not_in_force_is_a_lure_of_its_kind(preferences: list[Preference], said: Reveal, why: str) -> None:
    (lure,) = lures_of(user_with(*preferences), TASK, DOMAIN, history(said), ())
    assert (lure.dimension, lure.value, lure.why) == ("length", "brief", why)


def test_what_nobody_spoke_of_is_no_lure() -> None:
    assert lures_of(user_with(Preference("length", "brief", {}, last_session=4)), TASK, DOMAIN, history(), ()) == ()


def test_what_is_in_force_is_no_lure() -> None:
    assert lures_of(user_with(Preference("length", "brief", {})), TASK, DOMAIN, history(BRIEF), ()) == ()


def test_what_does_not_apply_to_the_task_is_no_lure() -> None:
    bare = Reveal("code_comments", "bare", "explicit")
    assert lures_of(user_with(Preference("code_comments", "bare", {}, last_session=4)), TASK, DOMAIN, history(bare), ()) == ()


def test_every_kind_of_lure_is_there_for_many_items(made: Made) -> None:
    found = Counter(why for _, _, item in made for why in {lure.why for lure in item.lures})
    assert set(found) == {"out_of_scope", "expired", "exception_over", "replaced"}
    assert min(found.values()) > 0.05 * len(made)


def test_a_lure_is_never_gold(made: Made) -> None:
    for _, _, item in made:
        gold = {(entry.dimension, entry.value) for entry in item.gold}
        assert not gold & {(lure.dimension, lure.value) for lure in item.lures}, item.item_id


def test_lures_lie_in_dimensions_without_gold_but_for_what_gold_replaced(made: Made) -> None:
    for _, _, item in made:
        gold = {entry.dimension for entry in item.gold}
        assert all((lure.dimension in gold) == (lure.why == "replaced") for lure in item.lures), item.item_id


def test_a_lure_stands_in_the_history(made: Made) -> None:
    for _, history, item in made:
        assert {(lure.dimension, lure.value) for lure in item.lures} <= {(r.dimension, r.value) for r in reveals(history)}


# Slices.


@pytest.mark.parametrize("name", ["stated", "implied", "scoped", "drifted", "exception", "conflict", "nothing"])
def test_each_slice_holds_a_tenth_of_the_test_items(name: str, made: Made) -> None:
    assert sum(name in item.slices for _, _, item in made) / len(made) >= 0.10


def test_an_item_without_gold_has_nothing_to_personalize(made: Made) -> None:
    assert all(("nothing" in item.slices) == (not item.gold) for _, _, item in made)


def test_an_item_on_which_a_hard_constraint_bears_is_in_the_slice_hard(made: Made) -> None:
    assert all(("hard" in item.slices) == bool(item.hard) for _, _, item in made)


def sliced(user: User, past: list[Conversation], override: tuple[str, str] | None = None) -> tuple[str, ...]:
    gold = gold_of(user, TASK, DOMAIN, past, override)
    item = Item("i", user.persona_id, "test", 10, TASK, DOMAIN, {}, "?", ("u-c00",), gold, (), (), "")
    return slices_of(item, user, past)


@pytest.mark.parametrize(
    ("preference", "said", "slices"),
    [
        (Preference("length", "brief", {}), [BRIEF], ("stated",)),
        (Preference("length", "brief", {}), [Reveal("length", "brief", "complaint")], ("implied",)),
        (Preference("length", "brief", {}, origin="implied"), [Reveal("length", "brief", "fact")], ("implied",)),
        (Preference("length", "brief", {}), [], ()),
        (Preference("length", "brief", {}, scope=("cooking",)), [BRIEF], ("stated", "scoped")),
        (Preference("length", "brief", {}, first_session=3, event="new_job"), [Reveal("length", "brief", "change")], ("stated", "drifted")),
        (Preference("length", "brief", {}), [BRIEF, Reveal("length", "long", "exception")], ("stated", "exception")),
        (Preference("length", "brief", {}, scope=("travel",)), [BRIEF], ("nothing",)),
    ],
    ids=["stated", "complaint", "fact", "unrevealed", "scoped", "drifted", "exception", "nothing"],
)
def test_slices_say_what_kind_of_personalization_is_asked(preference: Preference, said: list[Reveal], slices: tuple[str, ...]) -> None:
    assert sliced(user_with(preference), history(*said)) == slices


def test_a_query_against_a_standing_wish_is_a_conflict() -> None:
    user = user_with(Preference("length", "brief", {}))
    assert "conflict" in sliced(user, history(BRIEF), ("length", "long"))
    (gold,) = gold_of(user, TASK, DOMAIN, history(BRIEF), ("length", "long"))
    assert (gold.value, gold.source) == ("long", "query")


def test_conversations_of_the_history_come_in_order(made: Made) -> None:
    assert all(item.history == tuple(conversation.conversation_id for conversation in history) for _, history, item in made)


def test_in_force_of_the_last_conversation_leads_to_gold_where_nothing_changes(
    told: list[tuple[User, Storyline, list[Conversation]]], made: Made
) -> None:
    """A value that holds in the last session of a domain and has no end holds for the items, too."""
    last = {conversation.persona_id: conversation for _, _, conversations in told for conversation in conversations}
    for user, _, item in made:
        if last[user.persona_id].domain == item.domain:
            held = {Held(gold.dimension, gold.value) for gold in item.gold if gold.source == "preference"}
            assert held <= set(last[user.persona_id].in_force)
