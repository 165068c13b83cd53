"""Noisy twins: labelled edits in three layers and three intensities, each held against its own labels."""

from collections import Counter
from dataclasses import replace
from functools import cache
from importlib import import_module

import numpy as np
import pytest
import regex

from generation.life import Life
from generation.noise import semantic, surface
from generation.noise.edits import appended, apply, with_article
from generation.noise.edits import problems as edit_problems
from generation.noise.semantic import Asked, NoPlaceError, slots_hidden
from generation.noise.twins import INTENSITIES, LAYERS, is_mentioned, mentions, problems, twins
from generation.voice import WritingStyle
from persona_atlas.records import Conversation, Edit, Item, Twin, User
from persona_atlas.scoring import filling_of
from persona_atlas.tasks.markup import FIELD
from persona_atlas.tasks.templates import Filling, draw, load_templates

Made = list[tuple[User, list[Conversation], Item]]
PAPER = {
    "surface": {
        "colloquial_speech",
        "incomplete_sentence",
        "typo",
        "word_segmentation",
        "punctuation_format",
        "synonym",
        "emotional_attitude",
        "negative_expression",
        "real_life_fragment",
    },
    "incomplete": {"missing_slots", "vague_slot_values", "context_dependency", "unclear_priority"},
    "ambiguous": {"several_intents", "ambiguous_intent", "self_contradiction", "change_of_mind"},
}
"""The 17 strategies of arXiv 2602.12394."""


@pytest.fixture(scope="module")
def every(made: Made) -> list[tuple[Item, Twin]]:
    """Some seven thousand twins."""
    return [(item, twin) for _, _, item in made for twin in item.twins]


def of(layer: str, every: list[tuple[Item, Twin]], intensity: str = "") -> list[tuple[Item, Twin]]:
    return [(item, twin) for item, twin in every if twin.layer == layer and intensity in ("", twin.intensity)]


def printed(filling: Filling, slot: str) -> set[str]:
    """How the task prints a slot: `17:15` rather than 1035 minutes."""
    template = filling.template
    texts = [*template.queries, template.incomplete.mention if template.incomplete else ""]
    return {filling.said(field.group(0)).lower().rstrip(".") for text in texts for field in FIELD.finditer(text) if field.group(1) == slot}


# What holds for all.


def test_the_edits_turn_the_clean_query_into_the_noisy_one(every: list[tuple[Item, Twin]]) -> None:
    assert all(apply(item.query, twin.edits) == twin.query != item.query for item, twin in every)


def test_spans_hold_what_they_say(every: list[tuple[Item, Twin]]) -> None:
    assert all(item.query[edit.start : edit.end] == edit.before for item, twin in every for edit in twin.edits)


def test_spans_are_in_order_and_do_not_overlap(every: list[tuple[Item, Twin]]) -> None:
    for item, twin in every:
        for one, other in zip(twin.edits, twin.edits[1:], strict=False):
            assert one.end <= other.start, item.item_id


def test_every_twin_holds_what_its_labels_say(made: Made) -> None:
    for _, history, item in made[::3]:
        filling = filling_of(item)
        mentioned = is_mentioned(filling, history)
        assert [found for twin in item.twins if (found := problems(item.query, twin, filling, mentioned))] == []


def test_no_question_ends_in_two_marks(every: list[tuple[Item, Twin]]) -> None:
    marks = ("?.", "!.", ".?")
    assert [twin.query for item, twin in of("incomplete", every) for mark in marks if mark in twin.query and mark not in item.query] == []


def test_a_filler_takes_the_capital_of_the_word_behind_it(every: list[tuple[Item, Twin]]) -> None:
    spoken = [edit for _, twin in of("surface", every) for edit in twin.edits if edit.strategy == "colloquial_speech"]
    taken = [edit for edit in spoken if edit.before and edit.after.endswith(f", {edit.before[:1].lower()}{edit.before[1:]}")]
    assert len(taken) > 50
    assert all(edit.before[0].isupper() for edit in taken)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_strategy_of_the_paper_is_used_in_its_layer(layer: str, every: list[tuple[Item, Twin]]) -> None:
    used = Counter(edit.strategy for _, twin in of(layer, every) for edit in twin.edits)
    assert set(used) == PAPER[layer]
    assert min(used.values()) > 100


@pytest.mark.parametrize("intensity", INTENSITIES)
def test_a_surface_twin_has_as_many_edits_as_its_intensity_says(intensity: str, every: list[tuple[Item, Twin]]) -> None:
    least, most = INTENSITIES[intensity]
    numbers = [len(twin.edits) for _, twin in of("surface", every, intensity)]
    assert least <= min(numbers) <= max(numbers) <= most


@pytest.mark.parametrize("layer", ["incomplete", "ambiguous"])
def test_semantic_strategies_grow_with_intensity(layer: str, every: list[tuple[Item, Twin]]) -> None:
    light, medium, heavy = (
        np.mean([len({edit.strategy for edit in twin.edits}) for _, twin in of(layer, every, intensity)]) for intensity in INTENSITIES
    )
    assert light == 1.0
    assert light < medium < heavy


def test_the_strategies_of_a_twin_differ_where_the_text_has_places_for_so_many(every: list[tuple[Item, Twin]]) -> None:
    twice = Counter()
    for _, twin in of("surface", every):
        strategies = Counter(edit.strategy for edit in twin.edits)
        assert max(strategies.values()) <= surface.ROUNDS
        twice[twin.intensity] += max(strategies.values()) > 1
    assert twice["light"] == 0
    assert twice["medium"] + twice["heavy"] < 0.15 * len(of("surface", every))


def test_nearly_every_item_has_all_nine_twins(made: Made) -> None:
    assert sum(len(item.twins) for _, _, item in made) > 0.95 * 9 * len(made)


def test_the_same_item_gets_the_same_twins() -> None:
    asked, _ = question()
    assert twins(0, "i", asked, False) == twins(0, "i", asked, False)
    assert twins(0, "i", asked, False)[0] != twins(1, "i", asked, False)[0]


# Surface: the intent and every slot value stay.


def test_slot_values_survive_surface_noise(every: list[tuple[Item, Twin]]) -> None:
    for item, twin in of("surface", every):
        texts = surface.slot_texts(filling_of(item))
        assert [text for text in texts if text in item.query.lower() and text not in twin.query.lower()] == []


def test_numbers_survive_surface_noise(every: list[tuple[Item, Twin]]) -> None:
    number = regex.compile(r"\d[\d.,:]*\d|\d")
    assert all(number.findall(twin.query) == number.findall(item.query) for item, twin in of("surface", every))


@pytest.mark.parametrize("name", ["April", "november", "Friday", "Tuesdays", "May"])
def test_names_of_months_and_weekdays_are_protected(name: str) -> None:
    _, filling = question()
    start = len("It begins on ")
    assert (start, start + len(name)) in surface.protected_spans(f"It begins on {name} then.", filling)


def test_names_of_months_and_weekdays_survive_surface_noise(every: list[tuple[Item, Twin]]) -> None:
    dated = [(item, twin) for item, twin in of("surface", every) if surface.CALENDAR.search(item.query)]
    assert dated
    assert all(surface.CALENDAR.findall(twin.query.lower()) == surface.CALENDAR.findall(item.query.lower()) for item, twin in dated)


def test_surface_noise_has_no_effect_on_what_is_said(every: list[tuple[Item, Twin]]) -> None:
    assert all(edit.effect == "" for _, twin in of("surface", every) for edit in twin.edits)
    assert all(twin.restorable for _, twin in of("surface", every))


@cache
def question(template_id: str = "cooking.risotto_for_guests", seed: int = 3, wording: int = 0) -> tuple[Asked, Filling]:
    filling = draw(load_templates()[template_id], np.random.default_rng(seed))
    style = WritingStyle(False, False, False, "", "", "", "", {}, 0.0, "plain", "neutral", "often", "plainly")
    text = filling.query(wording)
    return Asked(filling, wording, style, text, len(text)), filling


def test_surface_noise_leaves_protected_spans_alone() -> None:
    text = "please boil some penne for everyone tonight"
    for seed in range(200):
        edits = surface.disturb(
            text,
            WritingStyle(False, False, False, "", "", "", "", {}, 0.0, "plain", "neutral", "often", "plainly"),
            [(7, 22)],
            Life(),
            np.random.default_rng(seed),
            4,
        )
        assert "boil some penne" in apply(text, edits)


def test_a_text_that_offers_no_place_gets_few_edits() -> None:
    text = "Ok 12"
    assert all(
        len(
            surface.disturb(
                text,
                WritingStyle(False, False, False, "", "", "", "", {}, 0.0, "plain", "neutral", "often", "plainly"),
                [(0, 5)],
                Life(),
                np.random.default_rng(seed),
                9,
            )
        )
        <= 6
        for seed in range(20)
    )


def test_spans_of_a_text_to_keep_that_is_not_there_are_none() -> None:
    _, filling = question()
    assert surface.spans_of("hello there", filling, ("goodbye",)) is None
    assert (6, 11) in (surface.spans_of("hello there.", filling, ("There.",)) or ())


# Semantic: each effect says what was done to which slot.


def effects(layer: str, strategy: str, every: list[tuple[Item, Twin]]) -> set[str]:
    """The effects of a strategy, with `*` for what they name."""
    found = {edit.effect for _, twin in of(layer, every) for edit in twin.edits if edit.strategy == strategy}
    return {regex.sub(r"(?<=slot )\S+|(?<=question: )\S+", "*", effect) for effect in found}


@pytest.mark.parametrize(
    ("layer", "strategy", "wanted"),
    [
        ("incomplete", "missing_slots", {"slot * left out"}),
        ("incomplete", "vague_slot_values", {"slot * vague"}),
        ("incomplete", "context_dependency", {"slot * left out", "slot * left to the history"}),
        ("incomplete", "unclear_priority", {"several aims, none first"}),
        ("ambiguous", "several_intents", {"a second question: *"}),
        ("ambiguous", "ambiguous_intent", {"the intent in doubt"}),
        ("ambiguous", "self_contradiction", {"slot * contradicted"}),
        ("ambiguous", "change_of_mind", {"slot * wrong at first", "slot * put right"}),
    ],
)
def test_each_semantic_edit_says_its_effect(layer: str, strategy: str, wanted: set[str], every: list[tuple[Item, Twin]]) -> None:
    assert effects(layer, strategy, every) == wanted


def test_a_slot_that_is_left_out_or_vague_is_not_named_any_more(every: list[tuple[Item, Twin]]) -> None:
    for item, twin in of("incomplete", every):
        filling = filling_of(item)
        for edit in twin.edits:
            if edit.effect.startswith("slot ") and edit.effect.endswith(("left out", "vague")):
                for value in printed(filling, edit.effect.split()[1]):
                    assert not regex.search(rf"(?<!\w){regex.escape(value)}(?!\w)", twin.query.lower()), (item.item_id, twin.query)


def test_a_vague_slot_is_replaced_where_it_stands(every: list[tuple[Item, Twin]]) -> None:
    vague = [(item, edit) for item, twin in of("incomplete", every) for edit in twin.edits if edit.strategy == "vague_slot_values"]
    assert vague
    for item, edit in vague:
        incomplete = filling_of(item).template.incomplete
        assert incomplete
        assert edit.after in (incomplete.vague, f"a {incomplete.vague}", f"an {incomplete.vague}")


def test_after_a_change_of_mind_the_last_word_is_the_clean_querys(every: list[tuple[Item, Twin]]) -> None:
    pairs = [(item, [edit for edit in twin.edits if edit.strategy == "change_of_mind"]) for item, twin in of("ambiguous", every)]
    assert any(pair for _, pair in pairs)
    for item, (wrong, right) in ((item, pair) for item, pair in pairs if pair):
        forms = printed(filling_of(item), right.effect.split()[1])
        assert any(value in right.after.lower() for value in forms), (item.item_id, right.after)
        assert wrong.before.lower() != wrong.after.lower()


def test_a_contradiction_names_the_true_value_too(every: list[tuple[Item, Twin]]) -> None:
    contradictions = [(item, edit) for item, twin in of("ambiguous", every) for edit in twin.edits if edit.strategy == "self_contradiction"]
    assert contradictions
    for item, edit in contradictions:
        forms = printed(filling_of(item), edit.effect.split()[1])
        assert any(value in edit.after.lower() for value in forms), (item.item_id, edit.after)


def test_a_second_question_is_of_the_same_split_and_another_task(every: list[tuple[Item, Twin]]) -> None:
    second = [(item, edit) for item, twin in of("ambiguous", every) for edit in twin.edits if edit.strategy == "several_intents"]
    assert second
    for item, edit in second:
        other = edit.effect.removeprefix("a second question: ")
        assert other != item.template_id
        assert load_templates()[other].split == item.split


def test_strategies_that_speak_of_the_same_slot_do_not_meet(every: list[tuple[Item, Twin]]) -> None:
    for _, twin in every:
        used = {edit.strategy for edit in twin.edits}
        assert all(len(used & group) <= 1 for group in semantic.TOGETHER)


def test_a_task_without_a_slot_to_leave_out_has_no_place_for_it() -> None:
    asked, filling = question()
    bare = replace(asked, filling=replace(filling, template=replace(filling.template, incomplete=None)))
    with pytest.raises(NoPlaceError, match="the task names no slot to leave out"):
        bare.span()
    edits, reason = semantic.disturb("incomplete", bare, np.random.default_rng(0), 3)
    assert ({edit.strategy for edit in edits}, reason) == ({"unclear_priority"}, "")


def test_the_slot_is_found_in_the_question() -> None:
    asked, filling = question()
    start, end = asked.span()
    assert asked.text[start:end] == str(filling.slots["people"])


# Restorable: the history mentions what the question lacks.


def test_a_twin_that_hides_a_slot_is_restorable_where_the_history_mentions_it(made: Made) -> None:
    found = Counter[bool]()
    for _, history, item in made:
        mentioned = is_mentioned(filling_of(item), history)
        for twin in item.twins:
            if slots_hidden(twin.edits):
                found[twin.restorable] += 1
                assert twin.restorable == mentioned, item.item_id
            else:
                assert twin.restorable
    assert min(found[True], found[False]) > 0.25 * found.total()


def test_where_a_twin_is_restorable_the_history_says_the_value(made: Made) -> None:
    for user, history, item in made:
        hiding = [twin for twin in item.twins if slots_hidden(twin.edits) and twin.restorable]
        if hiding and not (user.style.typo_rate or user.style.abbreviations):
            (slot,) = slots_hidden(hiding[0].edits)
            mentions = [turn.clean or turn.content for c in history for turn in c.turns if turn.act in ("mention", "feedback")]
            assert any(value in text.lower() for text in mentions for value in printed(filling_of(item), slot)), item.item_id


@pytest.mark.parametrize(
    ("effect", "hidden"),
    [
        ("slot people left out", {"people"}),
        ("slot bean.name vague", {"bean.name"}),
        ("slot people left to the history", {"people"}),
        ("slot people contradicted", {"people"}),
        ("slot people put right", set()),
        ("slot people wrong at first", set()),
        ("the intent in doubt", set()),
        ("", set()),
    ],
)
def test_which_effects_hide_a_slot(effect: str, hidden: set[str]) -> None:
    assert slots_hidden((Edit("any", 0, 0, "", "", effect),)) == hidden


# What fails is counted and not shipped.


def test_a_twin_that_is_not_shipped_is_counted(made: Made, failures: Counter[str]) -> None:
    missing = sum(9 - len(item.twins) for _, _, item in made)
    counted = {reason: number for reason, number in failures.items() if " twin: " in reason}
    assert sum(counted.values()) == missing > 0
    assert all(regex.match(r"no (light|medium|heavy) (surface|incomplete|ambiguous) twin: ", reason) for reason in counted)


def test_a_twin_that_fails_its_own_check_is_not_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, _ = question()
    monkeypatch.setattr(
        import_module("generation.noise.twins"), "problems", lambda query, twin, *rest: "it is odd" if twin.layer == "surface" else ""
    )
    found, failures = twins(0, "i", asked, False)
    assert "surface" not in {twin.layer for twin in found}
    assert {reason: number for reason, number in failures.items() if "odd" in reason} == {
        f"no {intensity} surface twin: it is odd": 1 for intensity in INTENSITIES
    }


def test_a_strategy_that_finds_no_place_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_place(asked: Asked, draw: np.random.Generator) -> semantic.Edits:
        raise NoPlaceError("no place here")

    asked, _ = question()
    monkeypatch.setattr(semantic, "LAYERS", {"incomplete": {"missing_slots": (no_place, 1.0)}, "ambiguous": {"ambiguous_intent": (no_place, 1.0)}})
    found, failures = twins(0, "i", asked, False)
    assert {twin.layer for twin in found} == {"surface"}
    assert failures["no light incomplete twin: missing_slots: no place here"] == 1
    assert failures["no heavy ambiguous twin: ambiguous_intent: no place here"] == 1


# The check itself.


def true_twin(layer: str = "surface") -> tuple[str, Twin, Filling]:
    asked, filling = question()
    found, _ = twins(0, "item", asked, False)
    return asked.text, next(twin for twin in found if twin.layer == layer), filling


def spoiled(twin: Twin, **changes: str | int) -> Twin:
    """The twin with its first edit changed."""
    return replace(twin, edits=(replace(twin.edits[0], **changes), *twin.edits[1:]))  # type: ignore[arg-type]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_true_twin_has_no_problems(layer: str) -> None:
    query, twin, filling = true_twin(layer)
    assert problems(query, twin, filling, False) == ""


def test_a_span_that_holds_something_else_is_a_problem() -> None:
    query, twin, filling = true_twin()
    assert problems(query, spoiled(twin, before="elsewhere"), filling, False) == "an edit's span does not hold the text it says"


def test_edits_that_lead_elsewhere_are_a_problem() -> None:
    query, twin, filling = true_twin()
    assert "do not turn the clean text" in problems(query, spoiled(twin, after="elsewhere"), filling, False)


def test_a_twin_without_noise_is_a_problem() -> None:
    query, _, filling = true_twin()
    assert problems(query, Twin("surface", "light", query, ()), filling, False) == "nothing was changed"


def test_edits_out_of_order_are_a_problem() -> None:
    edits = (Edit("typo", 4, 7, "two", "tow"), Edit("typo", 0, 3, "one", "oen"))
    assert edit_problems("one two", "oen tow", edits) == "two edits overlap, or are not in order"


def test_the_wrong_word_on_restorable_is_a_problem() -> None:
    query, twin, filling = true_twin("incomplete")
    wrong = replace(twin, restorable=not twin.restorable)
    assert problems(query, wrong, filling, False) == "it is called restorable and is not, or the other way round"


def test_a_changed_slot_value_in_a_surface_twin_is_a_problem() -> None:
    query, _, filling = true_twin()
    start = query.index(str(filling.slots["minutes"]))
    edit = Edit("typo", start, start + 2, query[start : start + 2], "many")
    assert problems(query, Twin("surface", "light", apply(query, (edit,)), (edit,)), filling, False).startswith("the slot value")


def test_a_figure_that_is_gone_from_a_semantic_twin_is_a_problem() -> None:
    query, _, filling = true_twin()
    start = query.index(str(filling.slots["minutes"]))
    edit = Edit("ambiguous_intent", start, start + 2, query[start : start + 2], "many", "the intent in doubt")
    found = problems(query, Twin("ambiguous", "light", apply(query, (edit,)), (edit,)), filling, False)
    assert found == f"the figure {filling.slots['minutes']} is gone"


def test_a_slot_that_is_still_named_is_a_problem() -> None:
    query, _, filling = true_twin()
    edit = Edit("missing_slots", len(query), len(query), "", " Please.", "slot people left out")
    twin = Twin("incomplete", "light", query + " Please.", (edit,), restorable=False)
    assert problems(query, twin, filling, False) == "slot people is still named"


def test_a_slot_that_is_still_named_as_a_time_of_day_is_a_problem() -> None:
    """The question says 17:15 where the slot holds 1035."""
    filling = next(
        draw(template, np.random.default_rng(0))
        for template in load_templates().values()
        if template.incomplete and f"{{{template.incomplete.slot}|clock}}" in template.queries[0]
    )
    query, slot = filling.query(0), filling.template.incomplete.slot if filling.template.incomplete else ""
    edit = Edit("missing_slots", len(query), len(query), "", " Please.", f"slot {slot} left out")
    twin = Twin("incomplete", "light", query + " Please.", (edit,), restorable=False)
    assert problems(query, twin, filling, False) == f"slot {slot} is still named"


@pytest.mark.parametrize(("text", "wanted"), [("How much?", "How much? Thanks."), ("how much", "how much. Thanks.")])
def test_an_addition_stands_behind_a_stop(text: str, wanted: str) -> None:
    assert apply(text, (appended("any", text, "Thanks.", ""),)) == wanted


def test_additions_at_one_place_keep_their_order() -> None:
    text = "How much?"
    assert apply(text, (appended("a", text, "One.", ""), appended("b", text, "Two.", ""))) == "How much? One. Two."


LUNCH, ESSAY = "cooking.cold_lunch_box", "study_help.essay_word_budget"


@pytest.mark.parametrize(("template", "text", "said"), [
    (LUNCH, "By the way, the only vegetable in my fridge is {veg}.", True),
    (LUNCH, "also the only vegtable in my frige is {veg}", True),
    (LUNCH, "You know, {veg} is the only vegetable left in the fridge.", True),
    (LUNCH, "By the way, the only vegetable in my fridge is a secret.", False),
    (LUNCH, "I like {veg}, and my fridge is new.", False),
    (ESSAY, "My outline for the essay has {n} paragraphs in its body.", True),
    (ESSAY, "My outline for the essay has 4{n} paragraphs in its body.", False),
])  # fmt: skip
def test_a_mention_may_be_put_into_other_words_that_keep_its_value(template: str, text: str, said: bool) -> None:
    filling = draw(load_templates()[template], np.random.default_rng(0))
    assert mentions(filling, text.format(**filling.slots)) == said


@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        ("with an 18 mm lens", "wide-angle", "with a wide-angle lens"),
        ("with a 24 mm lens", "18 mm", "with an 18 mm lens"),
        ("with a 24 mm lens", "wide-angle", "with a wide-angle lens"),
        ("for 24 mm of rain", "an inch", "for an inch of rain"),
        ("An 800 g lens", "big", "A big lens"),
        ("an 8 hour hike", "unusual", "an unusual hike"),
        ("an 8 hour hike", "useful", "a useful hike"),
    ],
)
def test_an_article_goes_with_what_stands_behind_it(before: str, words: str, after: str) -> None:
    quantity = regex.search(r"\d+ \w+", before)
    assert quantity
    start, end, said = with_article(before, quantity.start(), quantity.end(), words)
    assert before[:start] + said + before[end:] == after


RETIRED = Life({"age_band": "65 and over", "household": "lives alone", "occupation": "retired teacher"}, kilograms=60)


def test_what_surface_noise_adds_goes_with_the_writers_life() -> None:
    asked, _ = question()
    added = [edit.after for seed in range(300) for edit in surface.disturb(asked.text, asked.style, [], RETIRED, np.random.default_rng(seed), 5)]
    assert len(set(added)) > 100
    assert all(RETIRED.allows(line.strip(" .")) for line in added)
    assert not any("on my lunch break" in line or "kid is crying" in line for line in added)


def test_a_second_question_goes_with_the_writers_life() -> None:
    asked = replace(question("health_fitness.daily_protein")[0], life=RETIRED)
    second = {
        edit.after
        for seed in range(400)
        for edit in semantic.disturb("ambiguous", asked, np.random.default_rng(seed), 1)[0]
        if edit.strategy == "several_intents"
    }
    assert len(second) > 50
    assert all(RETIRED.allows(line) for line in second)
