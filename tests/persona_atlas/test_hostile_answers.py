"""Answers that nobody would write: every checker reads them in bounded time, so that no submission can hold up who scores it."""

import time

import pytest

from eval_harness.beside import clarifies
from persona_atlas.answer import Answer
from persona_atlas.preferences import load_catalog

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


def test_a_question_without_an_end_is_read_in_bounded_time() -> None:
    started = time.process_time()
    assert clarifies("who " * (LONGEST // 4) + "\n?", "stop") == 0.0
    assert time.process_time() - started < SECONDS
