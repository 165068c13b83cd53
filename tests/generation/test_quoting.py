"""What users quote from an answer stands in it, or does not, as they say."""

import pytest

from generation.quoting import goes_with, going_with, literal, quoted
from persona_atlas.content import CatalogError
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Reveal

SURE, COURSE = "Sure. Boil it for 11 minutes.", "Of course. Boil it for 11 minutes."


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("That 'Sure' at the start was friendly.", ["sure"]),
        ("Don't I get a 'Great question' any more?", ["great question"]),
        ("'You'll manage', he says. I know I will.", ["you'll manage"]),
        ('Who writes "do not" these days? It\'s "don\'t" where I live.', ["do not", "don't"]),
        ("finish with 'To sum up:' and one sentence", ["to sum up"]),
        ("I'd say it's the boys' fault, isn't it?", []),
    ],
)
def test_what_is_quoted_is_found(line: str, found: list[str]) -> None:
    assert quoted(line) == found


@pytest.mark.parametrize(
    ("line", "reveal", "answer", "goes"),
    [
        ("That 'Sure' at the start was friendly.", Reveal("opening", "acknowledged", "praise"), SURE, True),
        ("That 'Sure' at the start was friendly.", Reveal("opening", "acknowledged", "praise"), COURSE, False),
        ("Not even a 'Sure' before the answer?", Reveal("opening", "acknowledged", "complaint"), "Boil it.", True),
        ("Not even a 'Sure' before the answer?", Reveal("opening", "acknowledged", "complaint"), "In short: Sure, boil it.", False),
        ("Words like 'it seems' are no help.", Reveal("hedging", "certain", "complaint"), "It seems to be right.", True),
        ("Words like 'it seems' are no help.", Reveal("hedging", "certain", "complaint"), "This is probably right.", False),
        ("No 'it seems' in sight.", Reveal("hedging", "certain", "praise"), "Boil it.", True),
        ('"Don\'t" and "it\'s" again?', Reveal("contractions", "full", "complaint"), "It's done.", True),
        ('"Don\'t" and "it\'s" again?', Reveal("contractions", "full", "complaint"), "It isn't done.", False),
        ('Is writing "it is" properly too much work?', Reveal("contractions", "full", "complaint"), "It's done.", True),
        ('Is writing "it is" properly too much work?', Reveal("contractions", "full", "complaint"), "They're done.", False),
        ('Who writes "do not" these days? It\'s "don\'t".', Reveal("contractions", "contracted", "complaint"), "Do not stir.", True),
        ("So I'd say it, \"it's\" and so on.", Reveal("contractions", "contracted", "praise"), "It is done.", False),
        ('Felt like "Goal!"', Reveal("exclamation", "lively", "praise"), "Boil it!", True),
    ],
)
def test_a_line_goes_with_answers_that_hold_or_lack_its_words(line: str, reveal: Reveal, answer: str, goes: bool) -> None:
    assert goes_with(line, reveal, answer) is goes


def test_lines_that_do_not_go_with_the_answer_are_left_out() -> None:
    reveal = Reveal("opening", "acknowledged", "praise")
    assert going_with(["That 'Sure' was friendly.", "Nice opening."], reveal, COURSE) == ["Nice opening."]
    with pytest.raises(CatalogError, match="add one that quotes none"):
        going_with(["That 'Sure' was friendly."], reveal, COURSE)


def test_every_bank_has_reactions_to_any_answer_and_wishes_that_name_no_words() -> None:
    for value in load_catalog().values():
        for split, kinds in value.phrasings.items():
            assert any(not literal(line, value.dimension) for line in kinds["request"]), (value.id, split)
            for how in ("complaint", "praise"):
                every_word = " ".join(word for line in kinds[how] for word in quoted(line))
                assert going_with(kinds[how], Reveal(value.dimension, value.id, how), "")
                assert going_with(kinds[how], Reveal(value.dimension, value.id, how), every_word)
