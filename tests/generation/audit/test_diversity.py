"""Diversity: each figure on small texts, by hand or against nltk."""

from collections import Counter

import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from generation.audit.corpus import words
from generation.audit.diversity import by_split, distinct, drawn, histogram, mtld, openings, quantiles, self_bleu, top_share, vendi

TEXTS = [
    "the cat sat on the mat and slept",
    "the cat sat on the sofa and slept well",
    "a dog ran over the hill",
    "how long do I boil six eggs for a salad",
]


def test_distinct_counts_different_ngrams_within_texts() -> None:
    assert distinct([["a", "b", "a"], ["a", "b"]], 1) == 2 / 5
    assert distinct([["a", "b", "a"], ["a", "b"]], 2) == 2 / 3
    assert distinct([["a"]], 2) == 0.0


def test_self_bleu_is_that_of_nltk() -> None:
    texts = [words(text) for text in TEXTS]
    smooth = SmoothingFunction().method1
    expected = [sentence_bleu(texts[:i] + texts[i + 1 :], text, smoothing_function=smooth) for i, text in enumerate(texts)]
    assert self_bleu(texts) == pytest.approx(np.mean(expected))


def test_self_bleu_of_one_text_said_again_is_one() -> None:
    assert self_bleu([words(TEXTS[0])] * 5) == pytest.approx(1.0)


def test_mtld_by_hand() -> None:
    """a b a b: the ratio falls to 2/3 at the third word (a factor), b is left (ratio 1, no part of one): 4 words over 1 factor, both ways."""
    assert mtld(["a", "b", "a", "b"]) == 4.0
    assert mtld(["a", "b", "c", "a"]) == pytest.approx(4 / ((1 - 3 / 4) / (1 - 0.72)))
    assert mtld(["a", "b", "c"]) == 3.0
    assert mtld([]) == 0.0


def test_vendi_counts_different_texts() -> None:
    apart = ["alpha beta", "gamma delta", "epsilon zeta", "eta theta"]
    assert vendi(apart) == pytest.approx(4.0, abs=1e-6)
    assert vendi(apart[:1] * 4) == pytest.approx(1.0, abs=1e-6)
    assert vendi([*apart[:2], *apart[:2]]) == pytest.approx(2.0, abs=1e-6)


def test_openings_are_first_three_words() -> None:
    found = openings([words(text) for text in TEXTS])
    assert found == Counter({"the cat sat": 2, "a dog ran": 1, "how long do": 1})
    assert top_share(found, 1) == 0.5


def test_quantiles_and_histogram() -> None:
    assert quantiles([1, 2, 3])["q50"] == 2.0
    assert quantiles([]) == {}
    assert histogram([0, 9, 10, 1000], 10)[:2] == [0.5, 0.25]
    assert histogram([0, 9, 10, 1000], 10)[-1] == 0.25


def test_a_draw_has_so_many_words_and_is_the_same_again() -> None:
    texts = [words(text) for text in TEXTS]
    some = drawn(texts, 12, 0, "x")
    assert sum(map(len, some)) == 12
    assert some == drawn(texts, 12, 0, "x")
    many = [[str(number)] for number in range(50)]
    assert drawn(many, 50, 0, "x") != drawn(many, 50, 1, "x")


def test_columns_are_compared_at_the_size_of_the_smallest() -> None:
    found = by_split({"user": {"train": TEXTS * 3, "test": TEXTS, "empty": []}}, 0)["user"]
    assert found["words_compared"] == sum(len(words(text)) for text in TEXTS)
    assert list(found["columns"]) == ["train", "test"]
    assert found["columns"]["train"]["sampled_words"] == found["words_compared"]
    assert found["alone"]["train"]["words"] == 3 * found["words_compared"]
