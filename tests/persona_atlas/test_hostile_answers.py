"""Answers that nobody would write: every checker reads them in bounded time, so that no submission can hold up who scores it."""

import time

import pytest
import regex

from eval_harness.beside import clarifies
from persona_atlas.amounts import BEGINS
from persona_atlas.answer import Answer
from persona_atlas.preferences import load_catalog
from persona_atlas.preferences.checkers.hard import PRICE
from persona_atlas.tasks.quantities import found

HTML = ["x<b>", "<", "<h1>", "<!--", "<b </b>"]
LONGEST = 40_000
"""Characters, about as many as an answer of 1,024 tokens may have."""
PARTS = ["\n", "a\n", "- \n", "1,", "$1", "1 ", "a", "“", "<", "[ ] ", "# ", "|", "(", "**", "a.", "Hello ", "costs ", "1:", "\t", "é", "👍"]
LENGTH = 2500
SECONDS = 5.0
"""Of the processor, for all checkers together; the slowest takes a second or less."""


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_every_checker_reads_it_in_bounded_time(part: str) -> None:
    answer, catalog = Answer(part * (LENGTH // len(part))), load_catalog()
    started = time.process_time()
    for value in [*catalog.values(), *catalog.hard.values()]:
        value.met(answer)
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("part", HTML, ids=repr)
def test_html_is_read_in_bounded_time(part: str) -> None:
    started = time.process_time()
    assert len(Answer("<div>\n" + part * (LONGEST // len(part)) + "</b>").strong) <= LONGEST // len(part)
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("part", ["9", "999,", "999\u00a0", "1.5."], ids=repr)
def test_endless_figures_are_read_in_bounded_time(part: str) -> None:
    text = part * (LONGEST // len(part))
    started = time.process_time()
    assert list(PRICE.finditer(text)) == []
    assert [*found(text, "cm"), *found(text, "minutes"), *found(text, "usd")] == []
    assert time.process_time() - started < SECONDS


PRICES = [
    "12,99 €", "1,234,567 usd", "1234,567€", "123/4 €", "1,567 1/2 €", "v1.50€", "..50€", "1.299,00€", "12.50.30€", "$5-$10", "5-10 dollars",
    "5 to 10 euros", "1/2\u00a0345\u00a0678€", "1\u00a0234\u00a0567 €", "$1.2 million", "2m€", "3.5k usd", "a hundred euros", "1 1/2 dollars",
    "999 999 €", "12€/15€", "1,2,3,4,5,6,7,8,9 €", "0.000000000000000000000000000001 €", f"{'9' * 39}€", f"{'1,' * 19}5 €", "x9€", "9,99€9,99€",
]  # fmt: skip


def test_prices_are_read_as_if_figures_could_be_endless() -> None:
    """Only behind forty figures, points and commas in a row does no price begin."""
    unbounded = regex.compile(PRICE.pattern.replace(BEGINS, ""))
    for text in [*PRICES, " and ".join(PRICES)]:
        read, wanted = (
            [(match.span(), match["unit"], match["high"], match.captures("low")) for match in it.finditer(text)] for it in (PRICE, unbounded)
        )
        assert read == wanted, text
        assert read, text


def test_a_question_without_an_end_is_read_in_bounded_time() -> None:
    started = time.process_time()
    assert clarifies("who " * (LONGEST // 4) + "\n?", "stop") == 0.0
    assert time.process_time() - started < SECONDS
