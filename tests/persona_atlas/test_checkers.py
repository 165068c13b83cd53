"""Checkers: held examples decide what a value means, and the values of a dimension exclude each other whatever the answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_atlas.answer import Answer
from persona_atlas.preferences import HardConstraint, Value, check, checker, get_checker, load_catalog

CATALOG = load_catalog()
VALUES = [pytest.param(value, id=f"{value.dimension}-{value.id}") for value in CATALOG.values()]
HARD = [pytest.param(constraint, id=constraint.id) for constraint in CATALOG.hard.values()]

PARTS = [
    "# Summary", "## Details", "Hi there,", "Hello. In short: go.", "In short: leave at noon.", "Sure, here it is:", "Next step: pack.", "What else?",
    "- one two", "- three four", "1. one two", "2. three four", "| a | b |\n|---|---|\n| 1 | 2 |", "> quoted", "<div>hi!</div>",
    "```\ncode: don't!\n```",
    "**bold**", "*leaning*", "Wow!", "🙂", "It's fine, don't worry.", "It is fine, do not worry.", "For example, rain.", "Watch out: it is hot.",
    "5 kg of flour", "3 lb of flour", "at 18:30", "at 6:30 pm", "color and gray", "colour and grey", "", "\n", "word " * 15, "word " * 60,
]  # fmt: skip
ANSWERS = st.lists(st.sampled_from(PARTS) | st.text(max_size=20), max_size=8).map("\n\n".join)


@pytest.mark.parametrize("value", VALUES)
def test_held_answers_that_meet_the_value_meet_it_and_no_other(value: Value) -> None:
    met = [CATALOG.dimensions[value.dimension].met_by(Answer(text)) for text in value.examples["meets"]]
    assert met == [value.id] * len(met)


@pytest.mark.parametrize("value", VALUES)
def test_held_answers_that_miss_the_value_miss_it(value: Value) -> None:
    assert [text for text in value.examples["misses"] if value.met(Answer(text))] == []


@pytest.mark.parametrize("constraint", HARD)
def test_held_answers_keep_or_break_the_hard_constraint(constraint: HardConstraint) -> None:
    assert [text for text in constraint.examples["meets"] if not constraint.met(Answer(text))] == []
    assert [text for text in constraint.examples["misses"] if constraint.met(Answer(text))] == []


@pytest.mark.parametrize("dimension", CATALOG.dimensions)
@settings(max_examples=40)
@given(text=ANSWERS)
def test_no_answer_meets_two_values_of_a_dimension(dimension: str, text: str) -> None:
    CATALOG.dimensions[dimension].met_by(Answer(text))  # raises where two are met


@given(text=ANSWERS)
def test_degrees_lie_between_0_and_1(text: str) -> None:
    answer = Answer(text)
    assert [value.id for value in CATALOG.values() if not 0.0 <= value.degree(answer) <= 1.0] == []


def test_two_lists_of_equal_weight_are_neither_bulleted_nor_numbered() -> None:
    assert CATALOG.dimensions["structure"].met_by(Answer("- one two\n- three four\n\n&nbsp;\n\n1. one two\n2. three four")) is None


def test_a_greeting_under_a_heading_that_promises_a_summary_is_a_summary() -> None:
    assert CATALOG.dimensions["opening"].met_by(Answer("# Summary\n\nHello, leave at noon.")) == "summary_first"


@pytest.mark.parametrize(
    ("name", "text", "parameters", "degree"),
    [
        ("word_band", "word " * 15, {"low": 15, "high": 40}, 1.0),
        ("word_band", "word " * 40, {"low": 15, "high": 40}, 1.0),
        ("word_band", "word " * 60, {"low": 15, "high": 40}, 0.245),
        ("word_band", "word " * 400, {"low": 15, "high": 40}, 0.0),
        ("bulleted_list", "- one\n- two", {"min_items": 2}, 1.0),
        ("bulleted_list", "- one", {"min_items": 2}, 0.0),
        ("bulleted_list", "- one\n- two\n\nand eight more words stand here around them", {"min_items": 2}, 0.2),
        ("has_headings", "# One", {"min_headings": 2}, 0.5),
        ("contractions_used", "It's late, it is dark.", {}, 0.5),
        ("units", "2 kg and 3 m, 1 lb and 5 feet", {"system": "metric"}, 0.5),
        ("clock", "at 18:30 and 19:00, or 6 pm", {"style": "h12"}, 1 / 3),
        ("spelling", "color, colour, flavour and centre", {"variant": "british"}, 0.75),
        ("emoji_some", "```\n🙂\n```", {}, 0.0),
        ("exclamation_some", "x != y", {}, 0.0),
        ("closing_question", "Ready? 🙂", {}, 1.0),
        ("closing_next_step", "Text.\n\n**Next steps:**\n\n- Pack.", {}, 1.0),
        ("closing_next_step", "Next step: pack. Ready?", {}, 0.0),
        ("direct_opening", "Sure, leave at noon.", {}, 0.0),
        ("has_example", "Fruit such as apples.", {}, 0.0),
        ("has_alternative", "Stir in a pinch of salt.", {}, 0.0),
        ("has_alternative", "In a pinch, vinegar will do.", {}, 1.0),
        ("unit_names", "| Step | What |\n| --- | --- |\n| 1 | Mix 10.8 liters of punch. |", {"form": "words"}, 1.0),
        ("unit_names", "A box of 5cmx3cm, or 5cm × 3cm.", {"form": "symbols"}, 1.0),
        ("spelling", "Return 401 Unauthorized, the colour of errors.", {"variant": "british"}, 1.0),
        ("avoids", "Gluten-free bread and beefy beef.", {"words": ["bread"], "allowed": ["gluten free bread"]}, 1.0),
        ("avoids", "A slice of bread.", {"words": ["bread"], "allowed": ["gluten free bread"]}, 0.0),
    ],
)  # fmt: skip
def test_degrees_by_example(name: str, text: str, parameters: dict[str, object], degree: float) -> None:
    assert check(name, text, **parameters) == pytest.approx(degree)


def test_inches_are_no_quotation_marks() -> None:
    address = CATALOG.dimensions["address"]
    assert address.met_by(Answer('It is 31.5" high, boss. Cut off 15.75" of it.')) == "boss"
    assert address.met_by(Answer('She said "31.5 is high, boss" and cut it.')) == "none"


def test_a_forbidden_word_is_a_whole_word() -> None:
    assert check("avoids", "Hammer the shampoo.", words=["ham"]) == 1.0
    assert check("avoids", "Hams, again.", words=["ham*"]) == 0.0


def test_an_unknown_checker_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no checker is called 'rhymes'; known: .*word_band"):
        get_checker("rhymes")


def test_a_name_belongs_to_one_checker() -> None:
    with pytest.raises(ValueError, match="two checkers are called 'word_band'"):
        checker("word_band")(lambda answer: 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "Set out 2 cups and 3 plates.",
        "Pack 4 plates, 4 cups and 4 forks.",
        "Wash 3 mugs and 2 cups.",
        "Take 6 cups with 6 small saucers.",
        "2 cups, two bowls",
    ],
)
def test_cups_beside_plates_are_to_drink_from(text: str) -> None:
    assert get_checker("units")(Answer(text), system="imperial") == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "Use 2 cups of flour.",
        "1 cup and 3 tablespoons",
        "Grease 2 bowls, then add 2 cups flour.",
        "2 cups of rice and 3 plates",
        "Add 1 cup, chopped.",
    ],
)
def test_cups_of_a_recipe_are_imperial(text: str) -> None:
    assert get_checker("units")(Answer(text), system="imperial") == 1.0


def test_one_text_can_be_checked_with_parameters_of_any_name() -> None:
    assert check("addressed_as", "Book early, boss.", name="boss") == 1.0


@pytest.mark.parametrize("other", ["ma'am", "ma’am"])
def test_a_form_of_address_may_have_either_apostrophe(other: str) -> None:
    assert check("addressed_as", f"Yes, professor. Sure, {other}.", name="professor") == 0.0


CHEAP = [
    "50 pence",
    "90 pennies",
    "500 yen",
    "¥500",
    "fifty bucks",
    "$45–49",
    "$40 - 80% off",
    "It weighs 60 pounds.",
    "60 people pay 5 dollars each",
]
DEAR = [
    "five hundred dollars", "a few hundred dollars", "5 thousand dollars", "sixty bucks", "40 to 60 euros", "$3 million", "USD 5k", "$1.2k", "$45-55",
    "9,000 yen",
]  # fmt: skip


@pytest.mark.parametrize("text", CHEAP)
def test_prices_up_to_the_cap_keep_it(text: str) -> None:
    assert check("price_cap", text, cap=50) == 1.0


@pytest.mark.parametrize("text", DEAR)
def test_a_price_above_the_cap_breaks_it_however_it_is_written(text: str) -> None:
    assert check("price_cap", text, cap=50) == 0.0
