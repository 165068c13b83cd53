"""What users let be known, said in other words: the meaning and the rest of the message stay, the phrasing goes."""

import numpy as np
import pytest

from persona_atlas.data import Release
from persona_atlas.ppopt.anew import anew, framed
from persona_atlas.ppopt.bank import frames, phrasings
from persona_atlas.ppopt.evidence import spoken
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Reveal, Turn

WISH = Reveal("structure", "bulleted", "explicit")


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def turn(text: str, *reveals: Reveal) -> Turn:
    return Turn("user", text, "ask", reveals or (WISH,))


@pytest.mark.parametrize("seed", range(20))
def test_the_question_stays_and_the_wish_is_said_in_our_words(seed: int) -> None:
    said = anew(turn("How much rice for 6? From now on, use bullet points for the answer. Thanks!"), {}, draw(seed)).content
    assert said.startswith("How much rice for 6? ")
    assert said.endswith(" Thanks!")
    assert "use bullet points for the answer" not in said
    ours = phrasings()["structure", "bulleted"]
    assert any(line.lower().rstrip(".") in said.lower() for kind in ("explicit", "request") for line in ours[kind])


@pytest.mark.parametrize("seed", range(10))
def test_the_subjects_of_a_scoped_wish_stay(seed: int) -> None:
    said = anew(turn("When it is about cooking, use bullet points for the answer; elsewhere not."), {"structure": ""}, draw(seed)).content
    assert said.startswith("When it is about cooking, ")
    assert said.endswith("; elsewhere not.")


@pytest.mark.parametrize("seed", range(10))
def test_a_wish_for_an_area_names_it_in_other_words_too(seed: int) -> None:
    said = anew(turn("When it is about cooking, use bullet points for the answer; elsewhere not."), {"structure": "cooking"}, draw(seed)).content
    assert "cooking" in said
    assert "use bullet points for the answer" not in said


def test_a_phrasing_that_names_no_area_does_not_replace_one_bound_to_areas() -> None:
    phrasing = load_catalog().value("structure", "bulleted").phrasings["train"]["explicit"][0]
    said = turn(f"When it is about cooking: {phrasing}")
    assert all(anew(said, {"structure": "cooking"}, draw(seed)) == said for seed in range(10))


def test_a_sentence_that_was_ended_stays_so() -> None:
    said = [anew(turn("From now on, use bullet points for the answer. Thanks!"), {}, draw(seed)).content for seed in range(300)]
    assert [one for one in said if not one.removesuffix(" Thanks!").endswith((".", "!", "?"))] == []


def test_small_letters_stay_small() -> None:
    said = anew(turn("how much rice for 6? from now on, use bullet points for the answer"), {}, draw()).content
    assert said == said.lower()


@pytest.mark.parametrize(("how", "name"), [("exception", "once"), ("end", "ended"), ("change", "change")])
def test_how_long_a_wish_holds_stays(how: str, name: str) -> None:
    text = "Rice for 6? It is so: use bullet points for the answer."
    said = {anew(turn(text, Reveal("structure", "bulleted", how)), {}, draw(seed)).content for seed in range(30)}
    starts = {frame.split("{")[0][:12] for frame in frames()[name]}
    reframed = [one for one in said if not one.startswith("Rice for 6? It is so:")]
    assert len(reframed) > 10
    assert all(any(start in one for start in starts) for one in reframed)


def test_two_reveals_of_one_message_are_both_said_anew() -> None:
    brief = Reveal("length", "brief", "complaint")
    text = "I got tired before the end, one or two sentences is my limit. From now on, use bullet points for the answer."
    said = anew(turn(text, brief, WISH), {}, draw(3))
    assert said.content != text
    assert all(spoken(said.content, reveal) is not None for reveal in said.reveals)


def test_every_reveal_of_a_release_is_found_again_when_said_anew(release: Release) -> None:
    turns = [turn for conversation in release.conversations("train") for turn in conversation.turns if turn.reveals]
    again = [anew(turn, {}, draw(number)) for number, turn in enumerate(turns)]
    known = [(turn, reveal) for turn in again for reveal in turn.reveals if (reveal.dimension, reveal.value) in phrasings()]
    assert len(known) > 50
    assert [(turn.content, reveal) for turn, reveal in known if spoken(turn.content, reveal) is None] == []


def test_a_frame_begins_its_sentence_with_a_capital() -> None:
    assert framed(("{Request}, please.",), ("use bullets",), draw()) == "Use bullets, please."
