"""PPOpt's own words: complete, unmistakable, in nobody's schema, and shared with no split of the catalogue."""

import pytest

from persona_atlas.ppopt.bank import FRAMES, frames, phrasings
from persona_atlas.ppopt.rewards import gold_words
from persona_atlas.ppopt.wishes import meant, wishes
from persona_atlas.preferences import load_catalog

TOLD = {(dimension.id, value) for dimension in load_catalog().dimensions.values() if "train" in dimension.splits for value in dimension.values}
MEANINGS = TOLD | {("hard", constraint) for constraint in load_catalog().hard}


def test_every_value_of_train_users_and_every_constraint_has_words() -> None:
    assert set(wishes()) == MEANINGS
    assert set(phrasings()) == MEANINGS


def test_no_dimension_held_out_has_words() -> None:
    held_out = {dimension.id for dimension in load_catalog().dimensions.values() if "train" not in dimension.splits}
    assert held_out
    assert not held_out & {dimension for dimension, _ in [*wishes(), *phrasings()]}


@pytest.mark.parametrize("meaning", sorted(MEANINGS), ids=" ".join)
def test_what_a_user_wants_is_understood_again(meaning: tuple[str, str]) -> None:
    for phrase in wishes()[meaning].wants:
        assert meant(phrase) == meant(f" {phrase.upper()}. ") == meaning


def test_other_words_mean_nothing() -> None:
    assert meant("a holiday by the sea with the whole family") is None


def test_gold_is_nowhere_said() -> None:
    texts = [text for wish in wishes().values() for text in (*wish.ask, *wish.wants)]
    texts += [line for kinds in phrasings().values() for lines in kinds.values() for line in lines]
    assert [text for text in texts if gold_words().search(text)] == []


def test_a_kind_of_phrasing_that_the_catalogue_has_is_there() -> None:
    catalog = load_catalog()
    for dimension, value in MEANINGS:
        entry = catalog.hard[value] if dimension == "hard" else catalog.value(dimension, value)
        assert set(phrasings()[dimension, value]) == set(entry.phrasings["train"])


@pytest.mark.parametrize("name", FRAMES)
def test_frames_hold_a_request(name: str) -> None:
    lines = frames()[name]
    assert len(set(lines)) == len(lines) >= 20
    for line in lines:
        said = line.format(request="use bullet points", Request="Use bullet points", name="Ada", area="Xanadu")
        assert ("se bullet points" in said) == (name != "only")
        assert ("Xanadu" in said) == (name in ("scoped", "only"))
        assert ("Ada" in said) <= (name == "other_person")
