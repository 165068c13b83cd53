"""How varied texts are.

Every figure that depends on the amount of text is taken on samples of one size, which the result states.

>>> distinct([["a", "b", "a"], ["a", "b"]], 2)   # ab, ba, ab
0.6666666666666666
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from generation.audit.corpus import sample, words
from persona_atlas.randomness import generator

TOKENS = 20_000
"""The most words on which distinct-n and MTLD are taken."""
BLEU_TEXTS = 300
VENDI_TEXTS = 500
BLEU_ORDER = 4
BINS = {"user": 10, "assistant": 30}
"""The width in words of a bin of the length histograms, by role."""
FACTOR = 0.72
OPENING = 3
COMMON = 10
HABITS = {
    "em dash": "—",
    "ellipsis": "...",
    "exclamation mark": "!",
    "question mark": "?",
    "semicolon": ";",
    "parenthesis": "(",
    "quotation mark": '"',
}
"""Marks for which the share of turns that hold one is reported."""
Words = Sequence[str]


def distinct(texts: Iterable[Words], n: int) -> float:
    """The number of distinct n-grams divided by that of all n-grams, which do not cross texts. Source: Li et al. (2016), distinct-n."""
    found = [gram for text in texts for gram in zip(*(text[i:] for i in range(n)), strict=False)]
    return len(set(found)) / len(found) if found else 0.0


def self_bleu(texts: Sequence[Words]) -> float:
    """The mean BLEU-4 of each text with all others as its references: near 0 if no two share words, 1 if all are alike.

    BLEU = min(1, exp(1 − r/c)) · exp(mean over n ≤ 4 of log p_n), where p_n is the clipped n-gram precision (with 0.1 matches if there are none:
    smoothing 1), c the length of the text, and r the reference length closest to c. Texts of fewer than four words are left out. All references are
    counted at once, since one pass per pair takes minutes.

    Source: Zhu et al. (2018), Texygen; Papineni et al. (2002); Chen and Cherry (2014).
    """
    texts = [text for text in texts if len(text) >= BLEU_ORDER]
    if len(texts) < 2:
        return 0.0
    logs = np.zeros(len(texts))
    for n in range(1, BLEU_ORDER + 1):
        counts = [Counter(zip(*(text[i:] for i in range(n)), strict=False)) for text in texts]
        highest = _two_highest(counts)
        for number, mine in enumerate(counts):
            matches = sum(min(count, _elsewhere(highest[gram], number)) for gram, count in mine.items())
            logs[number] += np.log((matches or 0.1) / sum(mine.values())) / BLEU_ORDER
    lengths = sorted(len(text) for text in texts)
    return float(np.mean([np.exp(score) * _brevity(len(text), lengths) for score, text in zip(logs, texts, strict=True)]))


def _two_highest(counts: Sequence[Counter[Any]]) -> dict[Any, list[tuple[int, int]]]:
    """n-gram -> the two texts that hold it most often, as (count, text number), so that any one text can be left out."""
    found: dict[Any, list[tuple[int, int]]] = {}
    for number, mine in enumerate(counts):
        for gram, count in mine.items():
            found[gram] = sorted([*found.get(gram, []), (count, number)], reverse=True)[:2]
    return found


def _elsewhere(highest: Sequence[tuple[int, int]], number: int) -> int:
    return next((count for count, text in highest if text != number), 0)


def _brevity(length: int, lengths: Sequence[int]) -> float:
    others = list(lengths)
    others.remove(length)
    nearest = min(others, key=lambda other: (abs(other - length), other))
    return 1.0 if length > nearest else float(np.exp(1 - nearest / length))


def mtld(tokens: Words) -> float:
    """Measure of textual lexical diversity: the mean length of runs of words whose type-token ratio stays above 0.72.

    A run, called a factor, ends where the ratio falls to 0.72. The words left over at the end count as (1 − ratio) / (1 − 0.72) of a factor. The
    result is words divided by factors, averaged over reading forwards and backwards. Source: McCarthy and Jarvis (2010).
    """
    return (_one_way(tokens) + _one_way(tokens[::-1])) / 2 if tokens else 0.0


def _one_way(tokens: Words) -> float:
    factors, seen, length = 0.0, set[str](), 0
    for token in tokens:
        seen.add(token)
        length += 1
        if len(seen) / length <= FACTOR:
            factors, length = factors + 1, 0
            seen.clear()
    if length:
        factors += (1 - len(seen) / length) / (1 - FACTOR)
    return len(tokens) / factors if factors else float(len(tokens))


def vendi(texts: Sequence[str]) -> float:
    """The Vendi score: the effective number of different texts, exp(−Σ λ log λ) over the eigenvalues λ of K/n.

    K is the cosine similarity of hashed counts of words and pairs of words. The score is 1 if all n texts are alike, and n if no two share a word.
    Source: Friedman and Dieng (2023).
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    if not texts:
        return 0.0
    vectors = HashingVectorizer(ngram_range=(1, 2), n_features=2**18, norm="l2", alternate_sign=False).transform(texts)
    kernel = (vectors @ vectors.T).toarray()
    np.fill_diagonal(kernel, 1.0)
    values = np.linalg.eigvalsh(kernel / len(texts))
    values = values[values > 1e-12]
    return float(np.exp(-np.sum(values * np.log(values))))


def openings(texts: Iterable[Words]) -> Counter[str]:
    """How often each opening, the first three words of a text, occurs; shorter texts are left out."""
    return Counter(" ".join(text[:OPENING]) for text in texts if len(text) >= OPENING)


def top_share(counts: Counter[str], most: int = COMMON) -> float:
    """The share of the total that the `most` commonest entries make up."""
    return sum(count for _, count in counts.most_common(most)) / counts.total() if counts else 0.0


def quantiles(numbers: Sequence[float]) -> dict[str, float]:
    """The mean, and the 10, 25, 50, 75 and 90 % quantiles; empty if there are no numbers."""
    if not len(numbers):
        return {}
    ends = np.quantile(numbers, [0.1, 0.25, 0.5, 0.75, 0.9])
    return {"mean": float(np.mean(numbers)), **dict(zip(("q10", "q25", "q50", "q75", "q90"), map(float, ends), strict=True))}


def drawn(texts: Sequence[Words], tokens: int, seed: int, *key: Any) -> list[Words]:
    """Draw texts in random order until they hold `tokens` words; the last one is cut to fit."""
    found: list[Words] = []
    left = tokens
    for i in generator(seed, "audit", "words", *key).permutation(len(texts)):
        if left <= 0:
            break
        found.append(texts[int(i)][:left])
        left -= len(found[-1])
    return found


def figures(turns: Sequence[str], tokens: int, seed: int, role: str) -> dict[str, Any]:
    """All of the above for some turns of a role; distinct-n and MTLD are taken on `tokens` words of them."""
    split, width = [words(turn) for turn in turns], BINS[role]
    some, commonest = drawn(split, tokens, seed, role), openings(split)
    varied = sample(turns, VENDI_TEXTS, seed, "vendi", role)
    score = vendi(varied)
    return {
        "turns": len(turns),
        "sampled_words": sum(map(len, some)),
        **{f"distinct_{n}": distinct(some, n) for n in (1, 2, 3)},
        "mtld": mtld(list(chain.from_iterable(some))),
        "self_bleu": self_bleu(sample(split, BLEU_TEXTS, seed, "bleu", role)),
        "self_bleu_texts": min(BLEU_TEXTS, len(split)),
        "vendi": score,
        "vendi_texts": len(varied),
        "vendi_share": score / len(varied) if varied else 0.0,
        "top_openings_share": top_share(commonest),
        "top_openings": [{"opening": opening, "share": count / commonest.total()} for opening, count in commonest.most_common(COMMON)],
        "habits": {name: sum(mark in turn for turn in turns) / max(len(turns), 1) for name, mark in HABITS.items()},
        "words": quantiles([len(text) for text in split]),
        "bin": width,
        "histogram": histogram([len(text) for text in split], width),
    }


def histogram(lengths: Sequence[int], width: int, bins: int = 20) -> list[float]:
    """The shares of texts by length in words, in bins of `width`; the last bin holds all longer texts."""
    counts = np.bincount(np.minimum(np.asarray(lengths, dtype=int) // width, bins - 1), minlength=bins) if len(lengths) else np.zeros(bins)
    return [float(share) for share in counts / max(len(lengths), 1)]


def alone(turns: Sequence[str], seed: int, role: str) -> dict[str, Any]:
    """distinct-2 on at most TOKENS words, and the number of words it was taken on."""
    some = drawn([words(turn) for turn in turns], TOKENS, seed, role)
    return {"words": sum(map(len, some)), "distinct_2": distinct(some, 2)}


def by_split(chats: dict[str, dict[str, list[str]]], seed: int) -> dict[str, Any]:
    """The figures per role and column. `chats`: role -> name of a split or reference (a column) -> its turns.

    All columns of a role are compared on samples of one size: the words of the smallest, at most TOKENS. Thresholds on distinct-2 look at `alone`
    instead, which takes as many words as each column has (at most TOKENS), so that one small column does not leave the others unjudged.
    """
    found: dict[str, Any] = {}
    for role, columns in chats.items():
        sizes = [sum(len(words(turn)) for turn in turns) for turns in columns.values() if turns]
        size = min([TOKENS, *sizes])
        found[role] = {
            "words_compared": size,
            "columns": {name: figures(turns, size, seed, role) for name, turns in columns.items() if turns},
            "alone": {name: alone(turns, seed, role) for name, turns in columns.items() if turns},
        }
    return found
