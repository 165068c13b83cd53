"""Soundness, privacy, coherence, isolation: what is found in a text and what is left alone."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from generation.audit import coherence
from generation.audit.coherence import attribute_contradictions, changes, preference_problems, text_contradictions
from generation.audit.corpus import Chat, Corpus, Said
from generation.audit.evenness import value_counts
from generation.audit.isolation import leakage, strange_phrasings
from generation.audit.privacy import canary, foreign_names, iban, kinds, luhn
from generation.audit.soundness import refuses, schema_terms, signs, stopped_short, unfinished
from generation.life import contradictions, of_age
from persona_atlas.content import read_yaml
from persona_atlas.data import Release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import User


@pytest.mark.parametrize("name", ["refusals", "cut_off", "ids", "whole_ends"])
def test_each_sign_finds_its_example_and_leaves_the_other(name: str) -> None:
    for entry in read_yaml(files("generation.audit").joinpath("signs.yaml"))[name]:
        pattern = getattr(signs(), name)
        assert pattern.search(entry["finds"]), entry
        assert not pattern.search(entry["leaves"]), entry


def test_each_kind_of_personal_data_finds_its_examples_and_leaves_the_others() -> None:
    entries = read_yaml(files("generation.audit").joinpath("personal_data.yaml"))["patterns"]
    for entry, kind in zip(entries, kinds(), strict=True):
        assert [text for text in entry["finds"] if not kind.found(text)] == []
        assert [text for text in entry["leaves"] if kind.found(text)] == []


def test_each_claim_finds_its_example_and_leaves_the_other() -> None:
    for entry, claim in zip(read_yaml(files("generation").joinpath("data", "contradictions.yaml"))["texts"], contradictions()[1], strict=True):
        assert claim.says.search(entry["finds"]), entry
        assert not claim.says.search(entry["leaves"]), entry


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Simmer the sauce until the", True),
        ("First, chop the onions,", True),
        ("Pack a coat and", True),
        ("Note the length of", True),
        ("Simmer the sauce", False),
        ("what is it made for", False),
        ("That is done.", False),
        ("It is **bold**", False),
        ("| a | b |", False),
    ],
)
def test_a_text_that_ends_in_the_middle_is_unfinished(text: str, cut: bool) -> None:
    assert unfinished(text) is cut


def test_an_end_that_is_whole_is_not_unfinished_though_its_last_word_ends_no_sentence() -> None:
    for entry in read_yaml(files("generation.audit").joinpath("signs.yaml"))["whole_ends"]:
        assert entry["finds"].split()[-1] in signs().unfinished_words
        assert not unfinished(entry["finds"])
        assert unfinished(entry["leaves"])


def test_no_phrasing_of_the_banks_is_unfinished() -> None:
    catalog = load_catalog()
    banks = [bank for owner in (*catalog.values(), *catalog.hard.values()) for kinds in owner.phrasings.values() for bank in kinds.values()]
    assert [line for bank in banks for line in bank if unfinished(line.rstrip(".?!"))] == []


def test_an_answer_must_not_end_on_a_bare_word_unless_in_a_list() -> None:
    assert stopped_short("Boil the rice for ten")
    assert not stopped_short("Take:\n- rice\n- a large pot of water")
    assert not stopped_short("Boil the rice for ten minutes.")


def test_a_refusal_is_told_from_a_sentence_with_cant() -> None:
    assert refuses("I'm sorry, but I can't help with that.")
    assert not refuses("You can't help it: the dough rises.")


@pytest.mark.parametrize(
    "text", ["set unit_names first", "length: brief please", '"structure": "bulleted"', "ask u-test-000001", "cooking.rescue_the_soup"]
)
def test_schema_terms_are_found(text: str) -> None:
    assert schema_terms(text)


@pytest.mark.parametrize("text", ["keep the length brief", "no structure at all", "time: 12:30", "the dimensions are 3 by 4"])
def test_words_of_english_are_no_schema_terms(text: str) -> None:
    assert schema_terms(text) == []


def test_check_digits() -> None:
    assert luhn("4111 1111 1111 1111")
    assert not luhn("4111 1111 1111 1112")
    assert not luhn("0000 0000 0000 0000")
    assert iban("GB82WEST12345698765432")
    assert not iban("GB83WEST12345698765432")


def test_a_name_outside_the_lists_is_found_and_a_slip_is_not() -> None:
    assert foreign_names("I asked Beauregard about it, and then Zainab.") == ["Beauregard"]
    assert foreign_names("I asked Zianab about it, in my Zai nab's town.") == []
    assert foreign_names("I asked Btou about it.") == []  # Bintou
    assert foreign_names("I asked Boru about it.") == ["Boru"]


def test_a_canary_in_the_card_is_seen(tmp_path: Path) -> None:
    assert not canary(tmp_path)
    (tmp_path / "README.md").write_text("Canary: 0b1f3c5a-0000-4000-8000-000000000000")
    assert canary(tmp_path)


def test_a_card_in_another_encoding_is_searched_for_the_canary_too(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes("Für alle. ".encode("latin-1"))
    assert not canary(tmp_path)
    (tmp_path / "README.md").write_bytes("Für alle. Canary: 0b1f3c5a-0000-4000-8000-000000000000".encode("latin-1"))
    assert canary(tmp_path)


def said(*texts: str) -> list[Chat]:
    return [Chat(f"u-test-000000-c{number:02d}", "u-test-000000", (Said("user", text),), "test") for number, text in enumerate(texts)]


@pytest.fixture
def user(release: Release) -> User:
    attributes = {"occupation": "retired teacher", "age_band": "65 and over", "household": "lives alone"}
    return replace(release.users("test")[0], name="Tariq", attributes=attributes)


def test_attributes_that_do_not_go_together(user: User) -> None:
    assert attribute_contradictions(user) == []
    assert attribute_contradictions(replace(user, attributes={**user.attributes, "age_band": "18 to 24"})) == ["retired and young"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("My roommate wants to know.", "housemates of those who do not share"),
        ("My name is Petra.", "another name than theirs"),
        ("I'm 34, what pulse is right?", "another age than theirs"),
        ("I am 34 years old.", "another age than theirs"),
        ("My boss asked me.", "work of those who have none"),
    ],
)
def test_what_attributes_contradict_is_found(text: str, why: str, user: User) -> None:
    assert [found for found, _ in text_contradictions(user, said(text))] == [why]


@pytest.mark.parametrize("text", ["My name is Tariq.", "I'm 70, what pulse is right?", "I'm 34 minutes late.", "My neighbor wants to know."])
def test_what_goes_with_the_attributes_is_left(text: str, user: User) -> None:
    assert list(text_contradictions(user, said(text))) == []


def test_ages_in_bands() -> None:
    assert of_age(34, "25 to 34")
    assert not of_age(35, "25 to 34")
    assert of_age(80, "65 and over")
    assert of_age(5, "unknown")


def test_facts_that_change_from_chat_to_chat() -> None:
    assert [why for why, _ in changes(said("I weigh 70 kg.", "I weigh 80 kg."))] == ["two different statements of weight"]
    assert [why for why, _ in changes(said("I'm 34, help.", "I am 49 years old."))] == ["two different statements of age"]
    assert [why for why, _ in changes(said("My wife asks.", "So does my husband."))] == ["a husband and a wife"]
    assert list(changes(said("I weigh 70 kg.", "I weigh 72 kg.", "My wife asks.", "Hello."))) == []


def test_two_values_at_once_are_a_problem(user: User) -> None:
    assert preference_problems(user) == []
    old = replace(user.preferences[0], first_session=0, last_session=None, scope=())
    other = load_catalog().dimensions[old.dimension].others(old.value)[0].id
    assert preference_problems(replace(user, preferences=(old, replace(old, value=other))))


def test_a_dimension_that_the_catalogue_has_not_is_a_problem_of_coherence_alone(user: User) -> None:
    corpus = Corpus((replace(user, preferences=(*user.preferences, replace(user.preferences[0], dimension="rhyme"))),), (), ())
    assert coherence.figures(corpus)["preferences"]["users"] == 1
    assert "rhyme" not in value_counts(corpus)


def test_a_user_is_counted_once_however_much_they_contradict(user: User) -> None:
    odd = replace(user, attributes={**user.attributes, "age_band": "18 to 24"})
    turns = ("I am 80 years old.", "My name is Xaver.", "I weigh 60 kg.", "I weigh 90 kg.")
    found = coherence.figures(Corpus((odd,), tuple(said(*turns)), ()))
    assert found["texts"]["users"] == found["changes"]["users"] == found["contradicting"] == 1


def test_leakage_by_hand() -> None:
    """Runs of two words: "a b c" has two, one of which stands in train; "x y" none; "q" is too short."""
    assert leakage(["a b"], ["a b c", "x y", "q"], 2) == {"turns": 2, "turns_share": 0.5, "grams_share": 0.25}


def test_a_phrasing_of_another_split_is_found() -> None:
    banks = load_catalog().value("length", "brief").phrasings
    theirs, own = banks["train"]["explicit"][0], banks["test"]["explicit"][0]
    chats = said(f"hello, {theirs.upper()}", f"hello, {own}")
    (found,) = strange_phrasings(Corpus((), tuple(chats), ()))
    assert found["where"] == "u-test-000000-c00, turn 0"
    assert found["of"] == "train"
