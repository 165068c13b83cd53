"""An answer is parsed as a reader sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_atlas.answer import Answer, count_words


def kinds(text: str) -> list[str]:
    return [block.kind for block in Answer(text).blocks]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("Boil it for 11 minutes.", 5),
        ("Leave at 6:30 pm", 4),
        ("well-known state-of-the-art", 2),
        ("don't, it’s", 2),
        ("1,250.50 dollars", 2),
        ("🙂 — ** …", 0),
        ("snake_case", 2),
        ("café 日本", 2),
    ],
)
def test_words_are_runs_of_letters_and_digits_joined_inside(text: str, words: int) -> None:
    assert count_words(text) == words


def test_each_part_of_markdown_becomes_a_block_of_its_kind() -> None:
    text = "# Title\n\nText.\n\n- one\n- two\n\n1. first\n\n| a | b |\n|---|---|\n| c | d |\n\n```\ncode\n```"
    assert kinds(text) == ["heading", "paragraph", "item", "item", "item", "cell", "cell", "cell", "cell", "code"]


def test_items_know_whether_their_outermost_list_is_numbered() -> None:
    answer = Answer("1. outer\n   - inner\n2. outer again")
    assert [(block.text, block.ordered) for block in answer.blocks] == [("outer", True), ("inner", True), ("outer again", True)]


@pytest.mark.parametrize("bullet", ["-", "*", "+", "•", "‣", "▪", "◦", "–"])
def test_bullets_that_models_print_are_bullets(bullet: str) -> None:
    assert [(item.text, item.ordered) for item in Answer(f"{bullet} one\n{bullet} two").of_kind("item")] == [("one", False), ("two", False)]


def test_a_dash_inside_a_line_is_no_bullet() -> None:
    assert kinds("Trains – and buses – run late.") == ["paragraph"]


def test_code_is_not_visible_but_inline_code_is() -> None:
    assert Answer("Type `ls` now.\n\n```\nrm everything!\n```").visible == "Type ls now."


def test_markup_is_not_visible() -> None:
    assert Answer("A **bold** and *leaning* [link](https://x.org), 5 \\* 3 &amp; 2.").visible == "A bold and leaning link, 5 * 3 & 2."


@pytest.mark.parametrize(
    ("html", "strong", "emphasized"),
    [
        ("a <b>bold <i>both</i></b> end", ("bold both",), ("both",)),
        ("<B>one</b> and <strong>two</strong>", ("one", "two"), ()),
        ("<b>outer <b>inner</b> rest</b>", ("outer inner",), ()),
        ("<i>one <b>two</i> three</b>", ("two three",), ("one two",)),
        ("<h2><b>no</b></h2> <b></b> <b>never closed", (), ()),
    ],
)
def test_runs_of_html(html: str, strong: tuple[str, ...], emphasized: tuple[str, ...]) -> None:
    answer = Answer(f"<div>\n{html}\n</div>")
    assert answer.strong == strong
    assert [text for text in answer.emphasized if text not in strong] == list(emphasized)


def test_html_is_read_as_the_text_between_its_tags() -> None:
    assert Answer("<div>\nhidden <b>no</b> more\n</div>\n\none<br>two <i>three</i><!-- four -->").visible == "hidden no more\none two three"


def test_bold_and_italic_runs_outside_headings() -> None:
    answer = Answer("# A **bold** title\n\nBoil it for **12 minutes** and *stir*.")
    assert answer.strong == ("12 minutes",)
    assert answer.emphasized == ("12 minutes", "stir")


def test_bold_inside_italic_is_found() -> None:
    assert Answer("*very **hot** water*").strong == ("hot",)


def test_sentences_end_at_stops_and_at_blocks() -> None:
    answer = Answer("# Rice\n\nRinse it. Does it foam? Wait!\n\n- no stop here\n- nor here")
    assert answer.sentences == ("Rice", "Rinse it.", "Does it foam?", "Wait!", "no stop here", "nor here")


def test_a_decimal_point_ends_no_sentence() -> None:
    assert Answer("Use 2.5 kg of it.").sentences == ("Use 2.5 kg of it.",)


def test_lower_has_straight_apostrophes() -> None:
    assert Answer("It’s **Fine**").lower == "it's fine"


def test_emoji_are_found_but_digits_and_signs_are_none() -> None:
    assert Answer("Go ✈️ now 🎉, call #1 at 5 © ™").emoji == ("✈️", "🎉")


def test_content_leaves_out_headings() -> None:
    assert [block.text for block in Answer("# Title\n\nText.").content] == ["Text."]


@given(st.text(alphabet=st.sampled_from(" \n\t#*-_`|>1.)[](!<br/>a•é🙂&;\\~"), max_size=60) | st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    answer = Answer(text)
    assert answer.words == sum(block.words for block in answer.blocks if block.kind != "code")
    assert len(answer.strong) <= len(answer.emphasized)
    assert all(sentence == sentence.strip() != "" for sentence in answer.sentences)
