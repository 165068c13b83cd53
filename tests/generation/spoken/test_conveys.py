"""The rules that hold a message in other words against what it was to say."""

import json
from pathlib import Path

import numpy as np
import pytest

from generation.spoken.conveys import Wish, another_wish, changed_matter, misconveyed, parroted, wishes_of
from generation.spoken.user import Scene, message, sentences
from generation.wording import stems_of
from persona_atlas.models.protocol import Generation
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Reveal, Turn
from persona_atlas.tasks.templates import draw, load_templates

NO_CAVEAT = Wish(Reveal("caveat", "none", "explicit"), "Spare me the danger notes, today and any other day.")
BOLD_ONCE = Wish(Reveal("emphasis", "bold", "exception"), "make the important words thick")
GREETED = Wish(Reveal("opening", "greeting", "complaint"), "An answer without a greeting feels rude to me.")
NO_NAMES = Wish(Reveal("address", "none", "explicit"), "No title, no nickname, good.")
SCRIPTED = {
    NO_NAMES: NO_NAMES.phrase,
    NO_CAVEAT: "How long do I boil eggs? " + NO_CAVEAT.phrase,
    BOLD_ONCE: "Just for this one, make the important words thick.",
    GREETED: GREETED.phrase,
}


@pytest.mark.parametrize(("wish", "text"), [
    (NO_CAVEAT, "eggs, how long? and please spare me all those danger notes, today or on any other day"),
    (NO_CAVEAT, "Spare me notes about danger, today or on any other day. How long for eggs?"),
    (BOLD_ONCE, "Make important words thick, just this once."),
    (GREETED, "So, the eggs. An answer without any greeting feels so rude to me."),
])  # fmt: skip
def test_what_says_the_wish_in_other_words_conveys_it(wish: Wish, text: str) -> None:
    assert misconveyed(text, wish, SCRIPTED[wish]) is None


@pytest.mark.parametrize(("wish", "text", "reason"), [
    (NO_CAVEAT, "How long do I boil eggs today?", "not conveyed"),
    (NO_CAVEAT, "I like the danger notes, today and any other day.", "turned round"),
    (NO_CAVEAT, "Do not spare me the danger notes, today or any other day.", "turned round"),
    (BOLD_ONCE, "Make the important words thick in all your answers.", "not conveyed"),
    (BOLD_ONCE, "Just this once, don't make the important words thick.", "turned round"),
    (BOLD_ONCE, "Just this once, don\u2019t make the important words thick.", "turned round"),
    (BOLD_ONCE, "Just this once, dont make the important words thick.", "turned round"),
    (BOLD_ONCE, "Just this once, you cannot make the important words thick.", "turned round"),
    (NO_NAMES, "A title and a nickname are good.", "turned round"),
    (GREETED, "An answer with a greeting feels rude to me.", "turned round"),
    (GREETED, "That was a nice answer.", "not conveyed"),
    (GREETED, "It feels rude to get an answer without any greeting.", "not conveyed"),  # true, but in another order: the rules err so
])  # fmt: skip
def test_what_loses_the_wish_or_turns_it_round_does_not(wish: Wish, text: str, reason: str) -> None:
    fault = misconveyed(text, wish, SCRIPTED[wish])
    assert fault is not None
    assert fault.reason == reason


def test_no_wish_of_ones_own() -> None:
    other = load_catalog().value("emoji", "some").phrasings["train"]["explicit"][0]
    assert another_wish(f"How long do I boil eggs? {other}", [], "How long do I boil eggs?") is not None
    assert another_wish("How long do eggs boil?", [], "How long do I boil eggs?") is None
    assert another_wish(f"eggs. {other}", [], f"How long do I boil eggs? {other}") is None


@pytest.mark.parametrize(("text", "reason"), [
    ("How long do I have to boil 6 eggs?", None),
    ("I have 6 eggs to boil, for how long please", None),
    ("How long do I have to boil eggs?", "lost value"),
    ("How long do I have to boil 6 eggs for 4 people?", "added"),
    ("How long are six eggs boiled?", None),
    ("How long do you boil 6 eggs?", "person"),
    ("I boil 6 eggs for long.", "no question"),
    ("I have 6 cats, and which of them should visit my aunt in Spain?", "lost value"),
    ("My 6 eggs?", "left out"),
])  # fmt: skip
def test_only_a_rewording_that_changes_the_matter_is_refused(text: str, reason: str | None) -> None:
    scripted = (
        "How long do I have to boil 6 eggs from the fridge until the yolk sets firmly?" if reason == "left out" else "How long do I boil 6 eggs?"
    )
    fault = changed_matter(text, scripted, ["6", "eggs"])
    assert (fault.reason if fault else None) == reason


@pytest.mark.parametrize(("scripted", "text", "slots", "reason"), [
    ("Does 1 egg do for the dough?", "Does an egg do for this one dough?", ["1"], "lost value"),
    ("The 09:15 bus costs 72,000 lire.", "That 9:15 bus costs 72, 000 lire.", ["09:15"], None),
    ("The 09:15 bus costs 72,000 lire.", "That 9:15 bus costs 7,000 lire.", ["09:15"], "lost value"),
    ("Send the note to 8 of us.", "Send the note to 18 of us.", ["8"], "lost value"),
    ("He wrote a note that my whole team should see.", "A note for my whole team to see, he wrote.", ["a note that my whole team should see"], None),
    ("He wrote a note that my whole team should see.", "He wrote a note.", ["a note that my whole team should see"], "lost value"),
    ("It says \"nobody should see this\" there.", "There it says that nobody should see it.", ["\"nobody should see this\""], "lost value"),
    ("I always forget this thing.", "I never forget this thing.", [], "turned round"),
])  # fmt: skip
def test_a_value_may_be_written_otherwise(scripted: str, text: str, slots: list[str], reason: str | None) -> None:
    fault = changed_matter(text, scripted, slots)
    assert (fault.reason if fault else None) == reason


def test_sentences_are_pieces_and_a_phrasing_stays_whole() -> None:
    wish = Wish(Reveal("caveat", "none", "explicit"), "No warnings. Not one of them, ever.")
    text = "Hm. I have a long question today. No warnings. Not one of them, ever. How long do I boil eggs? Bye."
    assert sentences(text, (wish,)) == [
        ("Hm. I have a long question today.", []),
        ("No warnings. Not one of them, ever.", [wish]),
        ("How long do I boil eggs? Bye.", []),
    ]


@pytest.mark.parametrize(("text", "reason"), [
    ("By the way, the one vegetable my fridge has is {veg}.", None),
    ("By the way, the one vegetable my fridge has is green.", "lost value"),
])  # fmt: skip
def test_what_is_mentioned_for_a_later_task_keeps_its_value(release, text: str, reason: str | None) -> None:
    task = draw(load_templates()["cooking.cold_lunch_box"], np.random.default_rng(0))
    turn = Turn("user", task.said("By the way, the only vegetable in my fridge is {veg}."), "mention")
    user = release.users("validation")[0]
    (part,) = message(turn, Scene(user, None, 0, "here", [task])).parts
    fault = part.judge(Generation(text.format(**task.slots), "stop", 1, 1))
    assert (fault.reason if fault else None) == reason
    (part,) = message(turn, Scene(user, None, 0, "here")).parts
    assert part.judge(Generation(text.format(**task.slots), "stop", 1, 1)) is None


def test_a_phrasing_word_for_word_is_parroted() -> None:
    assert parroted("ok. spare me the danger notes, today and any other day", NO_CAVEAT)
    assert not parroted("spare me all danger notes every day", NO_CAVEAT)


def test_the_phrasing_that_stands_in_a_scripted_turn_is_found(release) -> None:
    found = 0
    for user in release.users("validation")[:4]:
        for conversation in release.conversations("validation"):
            if conversation.persona_id == user.persona_id:
                for turn in conversation.turns:
                    for wish in wishes_of(turn, user):
                        assert set(stems_of(wish.phrase)) & set(stems_of(turn.clean or turn.content))
                        found += 1
    assert found > 3


@pytest.fixture(scope="module")
def judged() -> list[tuple[bool, bool]]:
    """(a reader said that it conveys its wish, the rules take it) for what a model of half a billion parameters really said.

    Two readers labelled 340 utterances without knowing the rules or each other's labels; the 332 on which they agreed are here.
    """
    lines = (Path(__file__).parent / "utterances.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for row in map(json.loads, lines):
        wish = Wish(Reveal(row["dimension"], row["value"], row["how"]), row["phrase"])
        fault = changed_matter(row["text"], row["scripted"], []) or misconveyed(row["text"], wish, row["scripted"])
        found.append((row["conveys"], fault is None))
    return found


def test_there_are_enough_labels_and_half_are_negative(judged: list[tuple[bool, bool]]) -> None:
    assert len(judged) >= 200
    assert 0.4 < sum(label for label, _ in judged) / len(judged) < 0.6


def test_most_of_what_the_rules_take_conveys_its_wish(judged: list[tuple[bool, bool]]) -> None:
    taken = [label for label, accepted in judged if accepted]
    assert sum(taken) / len(taken) > 0.85


def test_the_rules_take_most_of_what_conveys_its_wish_and_little_else(judged: list[tuple[bool, bool]]) -> None:
    conveying, others = ([accepted for label, accepted in judged if label is wanted] for wanted in (True, False))
    assert sum(conveying) / len(conveying) > 0.6
    assert sum(others) / len(others) < 0.1
