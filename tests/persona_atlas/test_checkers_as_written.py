"""Checkers on wordings of language models that are easily missed, or easily mistaken for something else."""

import time

import pytest

from persona_atlas.answer import Answer
from persona_atlas.preferences import check, load_catalog

CATALOG = load_catalog()
LOADS = "You need 2 loads.\n\n"
MAIL = "Send this:\n\n{}\n\nI would like to take Friday off, because my sister gets married.\n\n{}\n\nKeep a copy."


def shown(dimension: str, text: str) -> str | None:
    return CATALOG.dimensions[dimension].met_by(Answer(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"{LOADS}**Next step:** Start the first load now. It takes about an hour.", "next_step"),
        (f"{LOADS}To sum up: start the first load now. It takes about an hour.", "recap"),
        (f"{LOADS}### Key Takeaways\n\n- Two loads\n- Warm water", "recap"),
        (f"{LOADS}Key takeaways:\n- Two loads\n- Warm water", "recap"),
        (f"{LOADS}**In summary**\n\n- Two loads\n- Warm water", "recap"),
        ("**Summary**\n\n- Two loads\n- Warm water", "plain"),  # the whole answer, not how it ends
        ("Next step: start the first load now. It takes about an hour.", "plain"),
        (f"{LOADS}The next step is harder. It takes about an hour.", "plain"),
    ],
)
def test_a_label_at_the_start_of_the_last_block_or_over_the_last_list_closes_the_answer(text: str, value: str) -> None:
    assert shown("closing", text) == value


@pytest.mark.parametrize("text", ["**Summary**\n\nYou need 2 loads.", "**TL;DR**\nYou need 2 loads."])
def test_a_bold_label_on_its_own_begins_with_a_summary(text: str) -> None:
    assert shown("opening", text) == "summary_first"


def test_a_bold_term_that_begins_like_such_a_label_does_not() -> None:
    assert shown("opening", "**Summary statistics** are easy to compute.") == "direct"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Wrap the dough in a cloth. Think of it like tucking in a child.", "analogy"),
        ("Knead it well. Think of the gluten like a spring.", "analogy"),
        ("It holds 6 kg. Imagine your drum as a suitcase.", "analogy"),
        ("They fill up fast, much like three suitcases.", "analogy"),
        ("Think of it like this: two loads.", "none"),
        ("Think of things like a budget and a date.", "none"),
        ("Imagine the drum as full as it can be.", "none"),
    ],
)
def test_thinking_of_a_thing_like_another_is_an_analogy(text: str, value: str) -> None:
    assert shown("analogy", text) == value


@pytest.mark.parametrize(
    "text",
    [
        "**Caveats:** prices vary.",
        "A few caveats: prices vary.",
        "Go in May.\n\n### Caveats\n\nPrices vary.",
        "**Warnings:** hot oil.",
        "Stir it.\n\n### Important Notes\n\nThe oil is hot.",
        "Be cautious: the oil is hot.",
        "One caution: hot oil.",
        "A quick note: check the label.",
        "Consult a doctor before starting.",
        "I'm not a lawyer, so check your lease.",
    ],
)
def test_a_caution_may_be_marked_in_many_ways(text: str) -> None:
    assert shown("caveat", text) == "caveat"


@pytest.mark.parametrize(
    "text", ["Consult the timetable.", "Ask your doctor for a prescription.", "I'm not a fan of it.", "Take a quick note of it."]
)
def test_what_only_resembles_a_caution_is_none(text: str) -> None:
    assert shown("caveat", text) == "none"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A bag is about $5.", "cost"),
        ("A kit runs about $20.", "cost"),
        ("Your share is $45.", "none"),  # what a question about money asks for
        ("A share is $45.", "none"),
        ("The rate for a standard month is $45.", "none"),
        ("**Total: $45**", "none"),
    ],
)
def test_what_a_thing_is_or_runs_is_its_price_and_a_result_is_none(text: str, value: str) -> None:
    assert shown("cost", text) == value


@pytest.mark.parametrize(
    ("salutation", "end"),
    [
        ("Hi Anna,", "Best regards,\nTom"),
        ("Hello Ms. Hall,", "Thanks,\nTom"),
        ("**Subject:** Friday off\n\nHey Anna,", "Cheers,\n\nTom"),
    ],
)
def test_a_draft_that_greets_by_name_and_is_signed_is_somebody_elses(salutation: str, end: str) -> None:
    assert shown("voice", MAIL.format(salutation, end)) == "impersonal"


@pytest.mark.parametrize(
    "text",
    [
        MAIL.format("Hi there,", "Best regards,\nTom"),
        "Hi Anna,\n\nThanks for asking! I would soak the beans.",
        "Hello Anna,\n\nI would soak the beans.",
    ],
)
def test_a_greeting_without_a_name_or_a_signature_is_the_answerers_own(text: str) -> None:
    assert shown("voice", text) == "first_person"


@pytest.mark.parametrize(
    "text",
    [
        "Do not use any nuts.",
        "Don't add nuts.",
        "Skip the peanuts and use sunflower seeds.",
        "Leave out the walnuts.",
        "Use seeds instead of nuts.",
        "Replace the almonds with sunflower seeds.",
        "Given your nut allergy, use seeds.",
        "No peanuts, tree nuts, or sesame.",
        "Avoid nuts before bed.",
    ],
)
def test_nuts_that_are_left_out_or_replaced_are_not_recommended(text: str) -> None:
    assert CATALOG.hard["nut_free"].met(Answer(text))


@pytest.mark.parametrize(
    "text",
    [
        "Use almonds instead of walnuts.",
        "Replace the almonds with walnuts.",
        "Don't add the nuts until the end.",
        "Skip the oil and use peanut butter.",
        "No nuts, use almonds.",
    ],
)
def test_nuts_that_replace_others_or_come_later_are(text: str) -> None:
    assert not CATALOG.hard["nut_free"].met(Answer(text))


def test_soy_sauce_that_is_replaced_is_no_gluten() -> None:
    assert CATALOG.hard["gluten_free"].met(Answer("Season it with tamari instead of soy sauce."))


@pytest.mark.parametrize("part", ["“", "«", "ask yourself ", "Dear Anna,\n\n", "Hi Anna,\n\n"], ids=repr)
def test_a_long_run_of_quotation_marks_or_salutations_is_read_in_no_time(part: str) -> None:
    answer = Answer(part * (40_000 // len(part)))
    assert answer.lower
    started = time.process_time()
    assert shown("voice", answer.text) == "impersonal"
    assert time.process_time() - started < 3.0


def test_many_prices_in_a_row_are_read_in_time_that_grows_with_their_number() -> None:
    seconds = []
    for number in (2_500, 20_000):
        started = time.process_time()
        assert check("price_cap", "$1" * number, cap=50) == 1.0
        seconds.append(time.process_time() - started)
    assert seconds[1] < 20 * seconds[0]


@pytest.mark.parametrize(
    "text", ["Use Zoom for the call.", "Put it in Excel.", "Use a spreadsheet instead of Excel.", "Buy it at Lowe’s.", "Call an Uber."]
)
def test_a_brand_is_named_even_where_it_is_to_be_left_out(text: str) -> None:
    assert load_catalog().hard["no_brands"].met(Answer(text)) == 0.0


@pytest.mark.parametrize("text", ["You excel in this.", "It is uber-simple.", "Zoom in on the fern.", "Cut them some slack.", "A notion of time."])
def test_a_word_that_is_a_brand_with_a_capital_alone_is_no_brand_without(text: str) -> None:
    assert load_catalog().hard["no_brands"].met(Answer(text)) == 1.0
