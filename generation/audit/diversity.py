"""How varied texts are. Every figure that grows or shrinks with the amount of text is taken on samples of one size, which the result states.

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
"""Words on which distinct-n and MTLD are taken, where there are so many."""
BLEU_TEXTS = 300
VENDI_TEXTS = 500
BLEU_ORDER = 4
BINS = {"user": 10, "assistant": 30}
"""Words a bin of the histograms of lengths, by role."""
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
"""Marks of which the share of turns that hold one is told."""
Words = Sequence[str]


def distinct(texts: Iterable[Words], n: int) -> float:
    """Different n-grams over all n-grams, counted within texts. Source: Li et al. (2016), distinct-n."""
    found = [gram for text in texts for gram in zip(*(text[i:] for i in range(n)), strict=False)]
    return len(set(found)) / len(found) if found else 0.0


def self_bleu(texts: Sequence[Words]) -> float:
    """The mean BLEU-4 of each text against all others as its references: 0 where no two share words, 1 where all are alike.

    BLEU = min(1, exp(1 − r/c)) · exp(mean over n ≤ 4 of log p_n), p_n the clipped n-gram precision (0.1 matches where there are none: smoothing 1),
    r the reference length next to c. Texts under four words are left out. Source: Zhu et al. (2018), Texygen; Papineni et al. (2002);
    Chen and Cherry (2014). Counted over all references at once, since one pass a pair takes minutes.
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
    """n-gram -> the two texts that hold it most often, as (times, number), so that each text can be left out."""
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

    A run ends (a factor) where the ratio falls to 0.72; what is left over counts as (1 − ratio) / (1 − 0.72) of a factor; words over factors, read
    forwards and backwards, and averaged. Source: McCarthy and Jarvis (2010).
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

    K is the cosine similarity of hashed counts of words and pairs of words. 1 where all are alike, n where none share a word.
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
    """The first three words of each text that has so many, counted."""
    return Counter(" ".join(text[:OPENING]) for text in texts if len(text) >= OPENING)


def top_share(counts: Counter[str], most: int = COMMON) -> float:
    """The share of the `most` commonest among all."""
    return sum(count for _, count in counts.most_common(most)) / counts.total() if counts else 0.0


def quantiles(numbers: Sequence[float]) -> dict[str, float]:
    """Mean, and the quantiles 10, 25, 50, 75, 90 %; empty where there are no numbers."""
    if not len(numbers):
        return {}
    ends = np.quantile(numbers, [0.1, 0.25, 0.5, 0.75, 0.9])
    return {"mean": float(np.mean(numbers)), **dict(zip(("q10", "q25", "q50", "q75", "q90"), map(float, ends), strict=True))}


def drawn(texts: Sequence[Words], tokens: int, seed: int, *key: Any) -> list[Words]:
    """Texts in a random order until they hold so many words; the last is cut."""
    found: list[Words] = []
    left = tokens
    for i in generator(seed, "audit", "words", *key).permutation(len(texts)):
        if left <= 0:
            break
        found.append(texts[int(i)][:left])
        left -= len(found[-1])
    return found


def figures(turns: Sequence[str], tokens: int, seed: int, role: str) -> dict[str, Any]:
    """All of the above of some turns of a role; distinct-n and MTLD on `tokens` words of them."""
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
    """The shares of texts by words, in bins of `width`; the last holds all longer ones."""
    counts = np.bincount(np.minimum(np.asarray(lengths, dtype=int) // width, bins - 1), minlength=bins) if len(lengths) else np.zeros(bins)
    return [float(share) for share in counts / max(len(lengths), 1)]


def alone(turns: Sequence[str], seed: int, role: str) -> dict[str, Any]:
    """distinct-2 on at most TOKENS words."""
    some = drawn([words(turn) for turn in turns], TOKENS, seed, role)
    return {"words": sum(map(len, some)), "distinct_2": distinct(some, 2)}


def by_split(chats: dict[str, dict[str, list[str]]], seed: int) -> dict[str, Any]:
    """`chats`: role -> name of a split or reference -> its turns. Per role one sample size for all: the smallest there is, at most TOKENS. What is
    judged, `alone`, is each column's share of different pairs on as many words as it has, so that a small column does not make the others unjudged.
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
