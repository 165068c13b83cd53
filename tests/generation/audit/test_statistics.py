"""Evenness, identifiability, fidelity, nearness: against libraries, by hand, and on simulated truth."""

from itertools import chain

import numpy as np
import pytest
from scipy import stats

from generation.audit.corpus import Chat, Said
from generation.audit.evenness import evenness, independence
from generation.audit.fidelity import distances, features, figures, slips, told_apart
from generation.audit.identifiability import Case, read, skill
from generation.audit.nearness import jaccard, longest_runs, nearest, shingles, similarities


def test_evenness_is_a_chi_square_test() -> None:
    effect, p = evenness({"a": 30, "b": 10, "c": 20})
    assert p == pytest.approx(stats.chi2.sf(10.0, 2))  # (10² + 10² + 0) / 20
    assert effect == pytest.approx((10 / (60 * 2)) ** 0.5)
    assert evenness({"a": 5, "b": 5})[1] == 1.0


def test_independence_of_large_tables_is_the_chi_square_test_of_scipy() -> None:
    first, second = ["a", "a", "b", "b"] * 30, ["x", "y", "x", "x"] * 30
    table = [[30, 30], [60, 0]]
    found = stats.chi2_contingency(table, correction=False)
    effect, p = independence(first, second, 0, "here")
    assert p == pytest.approx(found.pvalue)
    assert effect == pytest.approx((found.statistic / 120) ** 0.5)


def test_independence_of_small_tables_comes_from_permutations() -> None:
    first = [letter for letter in "abcdef" for _ in range(4)]
    assert independence(first, [{"a": "x", "b": "y"}.get(letter, "z") for letter in first], 0, "here")[1] < 1e-4
    assert independence(first, list("xyz" * 8), 0, "here")[1] > 0.2


def test_permutations_reject_a_true_null_as_often_as_they_say() -> None:
    draw = np.random.default_rng(0)
    ps = [independence(draw.choice(list("abcdef"), 20).tolist(), draw.choice(list("xyz"), 20).tolist(), 0, i)[1] for i in range(200)]
    assert 0.02 <= np.mean(np.array(ps) <= 0.05) <= 0.09


def test_a_reader_finds_words_that_go_with_a_value_and_none_that_do_not() -> None:
    draw = np.random.default_rng(0)
    noise = ["eggs and rice", "a train to town", "the red bike", "my old lamp"]
    cases = [
        Case(f"{noise[int(draw.integers(4))]} {word} please", value) for value, word in (("brief", "short"), ("long", "detail")) for _ in range(20)
    ]
    assert all(read(cases, [Case("keep it short please", "brief"), Case("more detail please", "long")]))


def test_skill_is_zero_at_chance_and_one_where_all_is_known() -> None:
    assert skill([True, False], [2, 2]) == 0.0
    assert skill([True, True, True], [2, 3, 4]) == 1.0
    assert skill([], []) is None


def test_features_by_hand() -> None:
    found = features("can you help, please? it's for 12 guests")
    assert found["words"] == 8
    assert found["commas"] == 100 / 8
    assert found["digits"] == 200 / 8
    assert found["begins in lower case"] == 1.0
    assert found["ends without a mark"] == 1.0
    assert found["contractions"] == 1 / 8
    assert found["courtesy"] == 1 / 8


def test_a_slip_is_a_rare_word_next_to_a_common_one() -> None:
    texts = ["please boil the water"] * 20 + ["plaese boil the waters", "pleasure is rare"]
    assert slips(texts) == {"plaese"}


def test_distances_are_those_of_scipy() -> None:
    ours, theirs = [{"x": 1.0}, {"x": 2.0}], [{"x": 2.0}, {"x": 4.0}]
    (row,) = distances(ours, theirs)
    assert (row["ours"], row["theirs"], row["ks"]) == (1.5, 3.0, 0.5)
    assert row["wasserstein"] == pytest.approx(1.5)  # in standard deviations of theirs, 1


def test_what_is_alike_is_not_told_apart_and_what_differs_is() -> None:
    draw = np.random.default_rng(0)
    labels, users = [True] * 200 + [False] * 200, [f"u{i // 4}" for i in range(400)]
    alike = draw.normal(size=(400, 3))
    assert 0.4 <= told_apart(alike, labels, users, 0)["auc"] <= 0.6
    assert told_apart(alike + 4 * np.array(labels)[:, None], labels, users, 0)["auc"] > 0.99


def chats(opening: str, users: int) -> list[Chat]:
    lines = ["boil rice for six", "fix my lamp", "book a train", "write a note", "sort a list", "name a plant"]
    return [
        Chat(f"c{u}-{c}", f"u{u}", tuple(Said("user", f"{opening} {lines[(u + c + k) % 6]}") for k in range(2)))
        for u in range(users)
        for c in range(3)
    ]


def test_the_most_telling_feature_is_the_one_that_was_put_in() -> None:
    found = figures(chats("Hey,", 12), chats("hey", 12), 0)
    assert found["told_apart"]["first"]["by_features"]["auc"] == 1.0
    assert {row["feature"] for row in found["told_apart"]["first"]["by_features"]["telling"][:3]} >= {"begins in lower case", "commas"}
    assert found["told_apart"]["first"]["by_words"]["auc"] < 0.75  # the words are the same


def test_fewer_users_than_folds_are_not_told_apart() -> None:
    found = figures(chats("Hey,", 2), chats("hey", 12), 0)
    assert found["told_apart"]["first"]["by_features"] is None
    assert found["auc"] is None


def test_turns_without_a_word_in_common_have_no_reader_of_words() -> None:
    sides = [[Chat(f"{word}{i}", f"{word}{i}", (Said("user", f"{word}{i} {i}{word}"),)) for i in range(6)] for word in ("ours", "theirs")]
    found = figures(*sides, seed=0)["told_apart"]["first"]
    assert found["by_words"] is None
    assert found["by_features"] is not None


def test_a_side_without_a_word_has_no_distances() -> None:
    found = figures(chats("well", 6), [Chat("x", "x", (Said("user", "???"),))], seed=0)
    assert (found["distances"], found["largest_ks"], found["auc"]) == ([], None, None)


def test_similarity_by_hand() -> None:
    assert jaccard({"a", "b"}, {"b", "c"}) == 1 / 3
    assert shingles("Hello, you") == {"hello", "ello ", "llo y", "lo yo", "o you"}


THEIRS = ["How long do I have to boil six eggs for a salad?", "Tell me about the history of the lighthouse."]


def test_the_nearest_text_is_found() -> None:
    ours = ["how long do I have to boil seven eggs for a salad", "an unrelated thing about bicycles"]
    ((similarity, mine, theirs),) = [row for row in nearest(ours, THEIRS) if row[0] >= 0.5]
    assert (mine, theirs) == (0, 0)
    found = similarities(ours, THEIRS)
    assert found[0] == pytest.approx(similarity)
    assert found == [max(jaccard(shingles(one), shingles(other)) for other in THEIRS) for one in ours]


def test_the_longest_common_run_of_words() -> None:
    ours = ["so, how long do I have to boil it", "lighthouse history", "xyz", "", "tell me about the history of the lighthouse"]
    assert longest_runs(ours, THEIRS) == [7, 1, 0, 0, 8]


def test_runs_do_not_cross_from_text_to_text() -> None:
    assert longest_runs(["a b c d"], ["a b", "c d"]) == [2]


def test_runs_against_a_plain_search() -> None:
    draw = np.random.default_rng(0)
    ours, theirs = ([" ".join(draw.choice(list("abc"), 12)) for _ in range(15)] for _ in range(2))

    def plain(text: str) -> int:
        said = text.split()
        runs = chain.from_iterable(((n, said[i : i + n]) for i in range(len(said) - n + 1)) for n in range(1, 13))
        return max(n for n, run in runs if any(f" {' '.join(run)} " in f" {other} " for other in theirs))

    assert longest_runs(ours, theirs) == [plain(text) for text in ours]
