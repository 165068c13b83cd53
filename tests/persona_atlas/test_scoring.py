"""Scores by hand: MEASUREMENT 2 (responsiveness g), 3 (personalization G) and 4 (task, hard_ok, leak)."""

import time
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_atlas.answer import Answer
from persona_atlas.data import Release, history
from persona_atlas.preferences import load_catalog
from persona_atlas.randomness import generator
from persona_atlas.records import Gold, Item, Lure
from persona_atlas.render import render
from persona_atlas.scoring import FORM, Said, Scores, contrast, filling_of, in_english, leaks, penalize_leak, refuses, responds_to, responsive, score
from persona_atlas.tasks import Filling, Plan, Template, fill, load_templates
from persona_atlas.tasks.markup import Locale
from persona_atlas.tasks.templates import draw
from persona_atlas.tasks.verifiers import solves

QUERY = "The baggage limit is 23 kg. My suitcase weighs 2 kg empty and I've put 6 kg of clothes in. How much weight is left for souvenirs?"
BRIEF_PROSE = "You can add 15 kg of souvenirs, since the case and the clothes weigh 8 kg and the limit is 23 kg."
BRIEF_BULLETS = "- You can add 15 kg of souvenirs.\n- The case and the clothes weigh 8 kg, and the limit is 23 kg."


def item(hard: tuple[str, ...] = (), **gold: str) -> Item:
    """A question about luggage (the right answer is 15 kg) of a user with these values."""
    return Item(
        item_id="u-test-000000-i00", persona_id="u-test-000000", split="test", session=0, template_id="travel.luggage_allowance", domain="travel",
        slots={"limit": 23, "empty": 2, "packed": 6}, query=QUERY, history=(),
        gold=tuple(Gold(dimension, value, None) for dimension, value in gold.items()), hard=hard, twins=(), witness="w",
    )  # fmt: skip


def scored(text: str, finish_reason: str = "stop", hard: tuple[str, ...] = (), **gold: str) -> Scores:
    return score(item(hard, **(gold or {"length": "brief"})), text, finish_reason)


@pytest.mark.parametrize(
    ("text", "gold", "personalization", "met"),
    [
        (BRIEF_BULLETS, {"length": "brief", "structure": "bulleted"}, 1.0, 1.0),
        (BRIEF_PROSE, {"length": "brief", "structure": "bulleted"}, (1 - 1 / 4) / 2, 0.5),  # of five values, one other is shown
        (BRIEF_PROSE, {"emoji": "some"}, -1.0, 0.0),  # of two values, the other is shown
        (BRIEF_PROSE, {"emoji": "none", "length": "brief", "structure": "numbered"}, (1 + 1 - 1 / 4) / 3, 2 / 3),
        (BRIEF_PROSE, {"clock": "h12"}, 0.0, 0.0),  # no value is shown
        ("You can add 15 kg.", {"length": "brief", "units": "metric"}, (0 + 1) / 2, 0.5),  # too short for any band
        (BRIEF_PROSE, {"units": "imperial", "structure": "bulleted"}, (-1 - 1 / 4) / 2, 0.0),
    ],
)
def test_personalization_by_hand(text: str, gold: dict[str, str], personalization: float, met: float) -> None:
    found = scored(text, **gold)
    assert found.personalization == pytest.approx(personalization)
    assert found.met == pytest.approx(met)


def test_the_terms_of_each_dimension_and_what_is_shown_are_kept() -> None:
    found = scored(BRIEF_PROSE, length="brief", structure="bulleted", clock="h24")
    assert found.by_dimension == {"length": 1.0, "structure": -0.25, "clock": 0.0}
    assert found.shows == {"length": "brief", "structure": "prose", "clock": None}


def test_personalization_over_some_dimensions() -> None:
    found = scored(BRIEF_PROSE, length="brief", structure="bulleted")
    assert (found.over(["length"]), found.over(["structure"]), found.over(["length", "structure"])) == (1.0, -0.25, 0.375)
    assert found.over(["emoji"]) is None


def test_a_right_answer_solves_the_task_whatever_its_style() -> None:
    assert scored(BRIEF_PROSE, length="long").task == 1.0
    assert scored("You can add 14 kg of souvenirs, no more than that.").task == 0.0


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("  \n\n ", id="blank"),
        pytest.param("🙂 🙂", id="no word"),
        pytest.param("```\n15 kg\n```", id="code alone"),
        pytest.param("I'm sorry, but I can't help with 15 kg of souvenirs in a suitcase.", id="refusal"),
        pytest.param("I’m unable to say how much your suitcase of 23 kg may hold.", id="refusal with a curly apostrophe"),
        pytest.param("As an AI language model, I cannot weigh a suitcase, be it 15 kg or 23 kg.", id="refusal as an AI"),
        pytest.param("Puedes llevar 15 kg de regalos en la maleta, porque el límite de la compañía es de 23 kg.", id="Spanish"),
        pytest.param("Du kannst noch 15 kg Andenken einpacken, weil die Grenze bei 23 kg liegt.", id="German"),
        pytest.param("你还可以带15公斤的纪念品,因为行李限额是23公斤。", id="Chinese"),
        pytest.param("The moon shines brightly over the quiet hills tonight.", id="off topic"),
    ],
)
def test_an_answer_that_does_not_respond_earns_nothing(text: str) -> None:
    found = scored(text, emoji="none", exclamation="calm")
    assert (found.g, found.personalization, found.met, found.task) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("reason", ["length", "context_overflow", "error"])
def test_an_answer_that_was_cut_off_or_failed_earns_nothing(reason: str) -> None:
    found = scored(BRIEF_PROSE, reason)
    assert (found.g, found.personalization, found.task) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("You can add 15 kg.", id="very short"),
        pytest.param("Weigh the case again: 23 is the limit, so leave some slack for it.", id="wrong, but it names a slot value"),
        pytest.param("Weigh it, I cannot stress it enough. Sorry for shouting. It is 15 kg.", id="cannot and sorry later on"),
        pytest.param("Sorry, it is 15 kg and no more.", id="sorry, but an answer"),
        pytest.param("I'm sorry, in that case 15 kg is all.", id="sorry, and an answer"),
    ],
)  # fmt: skip
def test_an_answer_on_the_subject_responds(text: str) -> None:
    assert scored(text).g == 1.0


@pytest.mark.parametrize(
    ("text", "english"), [("Oui.", True), ("42", True), ("这是", False), ("Boil the rice for ten minutes in salted water.", True)]
)
def test_few_words_get_the_benefit_of_the_doubt_about_their_language(text: str, english: bool) -> None:
    assert in_english(Answer(text)) is english


def test_a_short_list_of_names_and_units_is_not_taken_for_dutch() -> None:
    assert in_english(Answer("- 3 loads\n- 12 towels\n- 9.6 kg total\n- 4 kg drum"))
    assert in_english(Answer("Tofu salad, quinoa, avocado, tahini, lemon, chili."))
    assert not in_english(Answer("Je hebt 3 ladingen nodig voor de handdoeken."))


@pytest.mark.parametrize(
    "text",
    [
        "I apologize, but I cannot work out how to wash 16 towels in this drum.",
        "Unfortunately, I am unable to calculate loads.",
        "I'm sorry for any confusion, but as an AI language model, I don't have access to your machine.",
        "I’m afraid I can’t help you with that.",
        "I won't provide a number of loads.",
        "My apologies, I'm currently not able to give you a figure.",
    ],
)
def test_who_cannot_or_will_not_help_refuses(text: str) -> None:
    assert refuses(Answer(text))


@pytest.mark.parametrize(
    "text",
    [
        "I won't sugarcoat it: 7.68 kg means 2 loads.",
        "I cannot stress enough that a full drum washes badly. Run 2 loads.",
        "I will not lie: it takes 3 loads.",
        "I can't help but notice that 16 towels are a lot. Run 2 loads.",
        "I cannot recommend this plan enough: 2 loads.",
        "Unfortunately, 16 towels are too many for the drum. Run 2 loads.",
        "I'm sorry for the long wait: it is 2 loads.",
        "```python\ndef loads(kg):\n    return -(-kg // 4)\n```",
    ],
)
def test_who_says_cannot_or_answers_in_code_does_not_refuse(text: str) -> None:
    assert not refuses(Answer(text))


def test_hard_constraints_count_apart() -> None:
    both = ("vegetarian", "nut_free")
    assert scored(BRIEF_PROSE).hard_ok is None
    assert scored(BRIEF_PROSE, hard=both).hard_ok == 1.0
    assert scored(BRIEF_PROSE + " Bring almonds.", hard=both).hard_ok == 0.0
    assert scored("", hard=both).hard_ok == 0.0
    assert scored(BRIEF_PROSE + " Bring ham.", hard=both).personalization == 1.0


PARTS = st.sampled_from(["Hi,", "- a b", "1. c d", "# T", "!", "🙂", "5 kg", "it's", "it is", "Go?", "word " * 30])


@given(text=st.lists(PARTS, max_size=6).map("\n\n".join))
def test_a_constant_answer_gains_exactly_nothing_over_evenly_drawn_values(text: str) -> None:
    answer = Answer(text)
    for dimension in load_catalog().dimensions.values():
        assert sum(contrast(answer, {dimension.id: value})[0][dimension.id] for value in dimension.values) == pytest.approx(0.0)


def test_a_constant_answer_scores_exactly_0_on_average_over_all_users() -> None:
    dimensions = [load_catalog().dimensions[name] for name in ("length", "structure", "emoji", "units")]
    for text in (BRIEF_PROSE, BRIEF_BULLETS, "You can add 15 kg."):
        golds = [dict(zip([d.id for d in dimensions], values, strict=True)) for values in product(*(d.values for d in dimensions))]
        assert sum(scored(text, **gold).personalization or 0.0 for gold in golds) == pytest.approx(0.0)


def test_the_witness_of_every_item_reaches_the_ceiling(release: Release) -> None:
    for split in ("train", "validation", "test", "test_ood"):
        for found in release.items(split):
            scores = score(found, found.witness, "stop")
            ceiling = 1.0 if found.gold else None
            assert (scores.personalization, scores.met, scores.task, scores.g) == (ceiling, ceiling, 1.0, 1.0), found.item_id
            assert scores.hard_ok == (1.0 if found.hard else None), found.item_id


def test_without_gold_there_is_no_personalization_but_a_task() -> None:
    found = score(item(), BRIEF_PROSE, "stop")
    assert (found.personalization, found.met, found.task, found.g, found.by_dimension) == (None, None, 1.0, 1.0, {})


def test_without_gold_a_leak_has_no_personalization_to_take_away() -> None:
    found = score(item(), BRIEF_PROSE, "stop")
    assert penalize_leak(found, found).personalization is None


LURES = {
    "out_of_scope": Lure("length", "brief", "out_of_scope"),
    "expired": Lure("emoji", "some", "expired"),
    "exception_over": Lure("structure", "prose", "exception_over"),
    "replaced": Lure("units", "metric", "replaced"),
    "replaced and gone": Lure("opening", "greeting", "replaced"),
}


def lured(*names: str, text: str = BRIEF_PROSE) -> Scores:
    return score(replace(item(), lures=tuple(LURES[name] for name in names)), text, "stop")


def test_lured_is_the_share_of_lures_that_the_answer_shows() -> None:
    assert lured("out_of_scope").lured == 1.0
    assert lured("expired").lured == 0.0
    assert lured("out_of_scope", "expired", "exception_over").lured == pytest.approx(2 / 3)


def test_stale_is_the_share_of_replaced_values_that_the_answer_still_shows() -> None:
    assert lured("replaced").stale == 1.0
    assert lured("replaced", "replaced and gone").stale == 0.5


def test_a_replaced_value_is_no_lure_and_a_lure_is_not_stale() -> None:
    assert (lured("replaced").lured, lured("expired").stale) == (None, None)
    assert (lured("expired", "replaced").lured, lured("expired", "replaced").stale) == (0.0, 1.0)


def test_without_lures_nobody_is_lured() -> None:
    assert (scored(BRIEF_PROSE).lured, scored(BRIEF_PROSE).stale) == (None, None)


def test_an_answer_that_does_not_respond_is_not_lured() -> None:
    assert lured("out_of_scope", "replaced", text="The moon shines brightly over the quiet hills tonight.").lured == 0.0


def test_lures_have_no_part_in_personalization() -> None:
    plain = item(length="brief")
    assert (
        score(replace(plain, lures=tuple(LURES.values())), BRIEF_PROSE, "stop").personalization == score(plain, BRIEF_PROSE, "stop").personalization
    )


def test_the_filling_of_an_item_asks_its_query() -> None:
    assert filling_of(item(length="brief")).query(0) == QUERY


def test_a_prompt_that_holds_the_answer_leaks() -> None:
    assert leaks(item(length="brief"), QUERY + "\n\nHint: it is 15 kg.", [QUERY])


@pytest.mark.parametrize("hint", ["Hint, it is 15 kg: How", "Hint: How: it is 15 kg", "Assistant: it is 15 kg: How"])
def test_a_word_of_the_question_behind_a_colon_hides_no_answer(hint: str) -> None:
    assert leaks(item(length="brief"), f"{QUERY}\n\n{hint}", [QUERY])


def test_a_speaker_is_named_at_the_beginning_of_a_line() -> None:
    said = Said(["It is 15 kg."])
    assert said.own("Assistant: It is 15 kg.") == ""
    assert said.own("It is User: 15 kg.") == "It is User: 15 kg."


def test_a_prompt_of_many_short_lines_is_looked_at_in_no_time() -> None:
    started = time.process_time()
    assert Said(["the evening bell rang over the meadow " * 250]).own("e e e e\n" * 50_000).count("e e e e") == 50_000
    assert time.process_time() - started < 3


@pytest.mark.parametrize("added", ["", "\n\nPlease answer in 15 to 40 words.", "\n\nBe kind. Use kg."])
def test_a_prompt_with_query_and_style_does_not_leak(added: str) -> None:
    assert not leaks(item(length="brief"), QUERY + added, [QUERY])


def test_what_the_history_says_by_chance_is_not_the_optimizers_own() -> None:
    earlier = "Buy 15 kg of soil."
    assert not leaks(item(length="brief"), f"Conversation 1\nAssistant: {earlier}\n\n{QUERY}", [QUERY, earlier])
    assert leaks(item(length="brief"), f"Conversation 1\nAssistant: {earlier}\n\n{QUERY}", [QUERY])


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ("A bag of 15 kg in all.", False),
        ("A bag of 115 kg in all", True),
        ("15 kg in allure", True),
        ("2,15 kg in all", True),
        ("\n15 kg in all\n", False),
        ("15 kg in all", False),
    ],
)
def test_a_line_that_stands_inside_a_longer_word_or_number_is_the_optimizers_own(said: str, own: bool) -> None:
    assert Said([said]).own("15 kg in all") == ("15 kg in all" if own else "")


def test_a_line_of_few_words_is_quoted_only_as_a_line() -> None:
    assert Said(["Buy 15 kg of soil."]).own("15 kg") == "15 kg"
    assert Said(["15 kg\nis a lot"]).own("15 kg") == ""


@pytest.mark.parametrize("width", [1, 2, 3])
def test_an_answer_in_short_lines_leaks_though_the_history_holds_each_of_them(width: int) -> None:
    words = ["it", "is", "15", "kg"]
    lines = "\n".join(" ".join(words[start : start + width]) for start in range(0, len(words), width))
    earlier = "I said it is late. My bag is 15. A kg more is fine."
    assert leaks(item(length="brief"), f"{QUERY}\n\n{lines}", [QUERY, earlier])


@pytest.mark.parametrize("text", ["It takes 72 points", "about 72 points", "costs $12 points", "1,200 words", "1.5 points"])
def test_a_number_that_asks_for_no_form_may_answer(text: str) -> None:
    assert FORM.sub("", f"Say: that {text}") == f"Say: that {text}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("in 15 to 40 words", "in _"),
        ("Use 3 bullet points", "Use _"),
        ("- 5 steps", "- _"),
        ("Length: 40-60 words", "Length: _"),
        ("a 40-word answer", "a _ answer"),
        ("in two sentences", "in _"),
        ("in about 40 words", "in about _"),
    ],
)
def test_a_number_that_asks_for_a_form_is_left_out(text: str, left: str) -> None:
    assert FORM.sub("_", text) == left


def test_a_query_that_names_the_right_option_itself_cannot_leak() -> None:
    """Where a question offers a choice, its own words pass the verifier, so that nothing more can be told from a prompt."""
    choice = Item(
        item_id="u-test-000000-i00", persona_id="u-test-000000", split="test", session=0, template_id="science.heavier_liquid", domain="science",
        slots={name: options[0] for name, options in load_templates()["science.heavier_liquid"].slots.items()}, query="", history=(),
        gold=(Gold("length", "brief", None),), hard=(), twins=(), witness="w",
    )  # fmt: skip
    asked = [replace(choice, query=filling_of(choice).query(number)) for number in range(4)]
    passing = [found for found in asked if solves(filling_of(found), found.query)]
    assert passing
    assert not any(leaks(found, found.query + render(filling_of(found), {}), [found.query]) for found in passing)


def test_a_style_does_not_leak_and_an_answer_does(release: Release) -> None:
    caught = 0
    for found in release.items("test"):
        shown = [found.query, *(turn.content for conversation in history(found, release) for turn in conversation.turns)]
        assert not leaks(found, found.query + "\n\nPlease answer in at most 40 words, with bullets.", shown), found.item_id
        of_words = "word" in found.template_id  # numbers of words never count: they may be asked for as a form
        if not solves(filling_of(found), found.query) and not of_words:
            assert leaks(found, f"{found.query}\n\n{render(filling_of(found), {})}", shown), found.item_id
            caught += 1
    assert caught >= 6


def test_a_leak_takes_away_what_it_gained() -> None:
    best, worst = scored(BRIEF_PROSE, length="brief"), scored("It is 14 kg, I believe, or so.", length="brief")
    punished = penalize_leak(best, worst)
    assert (punished.leak, punished.task, punished.personalization, punished.over(["length"])) == (1.0, 0.0, 0.0, 0.0)


def test_a_leak_keeps_what_it_lost() -> None:
    bad = scored(BRIEF_PROSE, emoji="some")
    assert penalize_leak(bad, bad).personalization == -1.0
    assert penalize_leak(bad, bad).over(["emoji"]) == -1.0


def asked(filling: Filling) -> Item:
    """An item that asks the filled question."""
    template = filling.template
    plain = item(length="brief")
    return replace(plain, template_id=template.template_id, domain=template.domain, slots=dict(filling.slots), query=filling.query(0))


def test_no_instruction_wording_answers_a_question() -> None:
    """Each wording beside every third task."""
    catalog = load_catalog()
    for number, template in enumerate(filter(lambda template: template.core, load_templates().values())):
        hard = [constraint for constraint in catalog.hard.values() if constraint.universal or constraint.id in template.hard]
        lines = [line for source in [*catalog.values(), *hard] for line in source.instructions][number % 3 :: 3]
        found = asked(draw(template, generator(0, template.template_id)))
        assert [line for line in lines if leaks(found, f"{found.query}\n\n- {line}", [found.query])] == [], template.template_id


def test_a_prompt_that_holds_the_answer_to_any_question_leaks() -> None:
    missed = []
    for template in filter(lambda template: template.core, load_templates().values()):
        found = asked(draw(template, generator(0, template.template_id)))
        open_question = not solves(filling_of(found), found.query)
        if open_question and not leaks(found, f"{found.query}\n\n{render(filling_of(found), {})}", [found.query]):
            missed.append(template.template_id)
    assert missed == []


def test_a_prompt_leaks_that_adds_only_what_the_question_lacks() -> None:
    """Where the question has a word of the right answer, the rest of it is what an optimizer would add."""
    found = []
    for template in filter(lambda template: template.core, load_templates().values()):
        one = asked(draw(template, generator(0, template.template_id)))
        filling, known = filling_of(one), set(one.query.lower().split())
        added = " ".join(word for word in render(filling, {}).split() if word.lower() not in known)
        if not solves(filling, added) and not solves(filling, one.query) and solves(filling, f"{one.query}\n{added}"):
            found.append(template.template_id)
            assert leaks(one, f"{one.query}\n\n{added}", [one.query]), template.template_id
    assert len(found) >= 5


@pytest.mark.parametrize("part", ["1", "1,", "1 ", "1-", "1 to ", "1  "])
def test_a_long_prompt_is_looked_at_in_no_time(part: str) -> None:
    found = asked(draw(load_templates()["health_fitness.tight_muscle_stretch"], generator(0, "stretch")))
    started = time.process_time()
    leaks(found, part * (20_000 // len(part)), [found.query])
    assert time.process_time() - started < 9


def test_a_number_of_words_that_a_prompt_asks_for_is_no_answer() -> None:
    filling = next(
        filling
        for number in range(200)
        if str((filling := draw(load_templates()["health_fitness.tight_muscle_stretch"], generator(number, "stretch"))).values["holds"])
        not in filling.query(0)
    )
    found = asked(filling)
    core = " ".join(filling.text(sentence, Locale()) for sentence in filling.template.plan.core).replace("**", "")
    assert leaks(found, f"{found.query}\n\n{core}", [found.query])
    number = f"{filling.values['holds']}"
    assert not leaks(found, f"{found.query}\n\n{core.replace(number + ' times', 'in ' + number + ' words')}", [found.query])


def test_a_number_of_lines_is_no_answer_to_a_question_about_a_deadline() -> None:
    """`deadline` holds the word `line`, but such a question is not about lines."""
    filling = next(
        filling
        for number in range(200)
        if (filling := draw(load_templates()["data_analysis.percentile_position"], generator(number, "deadline"))).values["above"] < 30
    )
    found = replace(asked(filling), query=filling.query(0).replace("?", " before the deadline?"))
    pos, above = filling.values["pos"], filling.values["above"]
    assert not leaks(found, f"{found.query}\n\nThe position is {pos}. Use {above} lines.", [found.query])
    assert leaks(replace(found, query=f"{found.query} Count lines."), f"{found.query}\n\nThe position is {pos}. It has {above} lines.", [found.query])


def test_a_number_in_words_that_a_prompt_asks_for_is_no_answer() -> None:
    words = {4: "four", 5: "five", 6: "six", 8: "eight", 10: "ten", 12: "twelve", 15: "fifteen", 20: "twenty"}
    drawn = (draw(load_templates()["health_fitness.tight_muscle_stretch"], generator(number, "stretch")) for number in range(200))
    filling = next(found for found in drawn if found.values["holds"] in words and str(found.values["holds"]) not in found.query(0))
    found, number = asked(filling), filling.values["holds"]
    core = " ".join(filling.text(sentence, Locale()) for sentence in filling.template.plan.core).replace("**", "")
    assert leaks(found, f"{found.query}\n\n{core.replace(f'{number} times', f'{words[number]} times')}", [found.query])
    assert not leaks(found, f"{found.query}\n\n{core.replace(f'{number} times', f'in {words[number]} words')}", [found.query])


def test_a_wording_of_the_catalogue_beside_it_hides_no_answer() -> None:
    """ "Make the last line …" names the line chart, a rival of the right answer, but the prompt's own words are what counts."""
    filling = draw(load_templates()["data_analysis.which_chart_to_use"], generator(0, "data_analysis.which_chart_to_use"))
    found = asked(filling)
    core = " ".join(filling.text(sentence, Locale()) for sentence in filling.template.plan.core)
    wording = next(line for line in load_catalog().value("closing", "next_step").instructions if line.startswith("Make the last line"))
    assert leaks(found, f"{found.query}\n\n{wording} {core}", [found.query])


# A question without a task


def without_task(text: str, finish_reason: str = "stop") -> Scores:
    return score(replace(item(structure="bulleted"), template_id="", slots={}, witness=""), text, finish_reason)


def test_task_and_leak_of_a_question_without_a_task_are_not_known() -> None:
    scores = without_task(BRIEF_BULLETS)
    assert (scores.task, scores.leak) == (None, None)
    assert (scores.g, scores.personalization, scores.met) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "- Tulips need sun.\n- Roses need water too.",  # none of the question's longer words: baggage, suitcase, weighs, clothes, weight, souvenirs
        "I cannot help with a suitcase.",
        "",
        "- El equipaje pesa demasiado y no cabe nada.\n- La maleta (suitcase) pesa mucho más que antes.",
    ],
)
def test_an_answer_without_a_task_that_is_off_the_subject_refused_empty_or_foreign_earns_nothing(text: str) -> None:
    assert without_task(text).g == 0.0
    assert without_task(BRIEF_BULLETS, "length").personalization == 0.0


def test_a_short_question_is_met_by_any_of_its_words() -> None:
    assert responds_to(Answer("Tea is fine."), "Is tea ok?")
    assert not responds_to(Answer("Coffee would be fine."), "Tea?")


def test_of_a_question_without_a_task_no_prompt_is_said_to_leak() -> None:
    assert not leaks(replace(item(length="brief"), template_id="", slots={}), "The answer is 15 kg.", [QUERY])


def test_an_unknown_task_stays_unknown_where_a_leak_is_penalized() -> None:
    assert penalize_leak(without_task(BRIEF_BULLETS), without_task("")).task is None


@pytest.mark.parametrize(("said", "on_the_subject"), [("9:15 am", True), ("9:15am", True), ("9:45am", False)])
def test_a_time_of_the_question_puts_an_answer_on_the_subject_however_it_is_written(said: str, on_the_subject: bool) -> None:
    plan = Plan("", "", ("", ""), (), "", "", "", "", ())
    template = Template("t", "travel", "train", ("?",), {}, {}, (), {"kind": "key_points", "points": [["passport"]]}, plan)
    answer = Answer(f"Leave home at {said} so that there is time for the queue at the gate.")
    assert responsive(answer, fill(template, {"at": "9:15"}), 0.0) == on_the_subject
