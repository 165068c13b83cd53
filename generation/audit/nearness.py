"""How near each user turn is to the texts of a reference: whether somebody's words were copied.

There are two measures. One is the Jaccard similarity (1901) of the sets of character 5-grams of a turn and its nearest reference text. It is exact,
but for all turns only the pairs that MinHash and locality-sensitive hashing propose are compared (Broder 1997; 64 permutations); for a sample, all
pairs are. The other is the longest run of words that a turn shares with any reference text (Carlini et al. 2023 call a run of 50 tokens memorized;
Lee et al. 2022).
"""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np

from generation.audit.corpus import normal, sample, words
from generation.audit.diversity import quantiles

GRAM = 5
PERMUTATIONS = 64
SIMILAR = 0.5
"""The similarity from which locality-sensitive hashing should propose pairs."""
MOST_OURS, MOST_THEIRS = 1_000, 5_000
"""The most texts per side in the samples of which all pairs are compared, for the distribution of similarities."""
BATCH = 100
SHOWN = 5
LONGEST = 200
EDGE = 0
Numbers = np.ndarray[Any, np.dtype[np.uint64]]


def shingles(text: str) -> set[str]:
    """The character 5-grams of a text's words, in lower case and joined by spaces; a shorter text is one 5-gram."""
    said = normal(text)
    return {said[i : i + GRAM] for i in range(max(len(said) - GRAM + 1, 1))}


def jaccard(one: set[str], other: set[str]) -> float:
    """|A ∩ B| / |A ∪ B|."""
    return len(one & other) / len(one | other) if one or other else 1.0


def nearest(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[float, int, int]]:
    """Pair each of our texts with the most similar of theirs that hashing proposes: (similarity, ours, theirs), the most similar pair first.

    Texts for which hashing proposes none are left out.
    """
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=SIMILAR, num_perm=PERMUTATIONS)
    for number, text in enumerate(theirs):
        index.insert(number, _digest(text))
    found = []
    for number, text in enumerate(ours):
        proposed = index.query(_digest(text))
        if proposed:
            mine = shingles(text)
            found.append(max((jaccard(mine, shingles(theirs[other])), number, other) for other in proposed))
    return sorted(found, reverse=True)


def _digest(text: str) -> Any:
    from datasketch import MinHash

    found = MinHash(num_perm=PERMUTATIONS, hashfunc=crc32)
    found.update_batch([run.encode() for run in shingles(text)])
    return found


def similarities(ours: Sequence[str], theirs: Sequence[str]) -> list[float]:
    """For each of our texts, the similarity to the nearest of theirs over all pairs; a product of sparse matrices counts the shared 5-grams."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=shingles, binary=True)
    other = counter.fit_transform(theirs)
    mine = counter.transform(ours)
    sizes, found = np.array([len(shingles(text)) for text in ours]), list[float]()
    for start in range(0, len(ours), BATCH):
        shared = (mine[start : start + BATCH] @ other.T).toarray()
        union = sizes[start : start + BATCH, None] + np.asarray(other.sum(axis=1)).ravel()[None, :] - shared
        found += [float(similarity) for similarity in (shared / union).max(axis=1)]
    return found


def longest_runs(ours: Sequence[str], theirs: Sequence[str]) -> list[int]:
    """For each of our texts, the length of the longest run of words that also occurs in any of theirs, at most LONGEST.

    Runs of 1, 2, 3 … words are hashed over all texts at once and looked up, until none of ours occurs in theirs.
    """
    numbers: dict[str, int] = {}
    mine, owners = _numbered(ours, numbers)
    other, _ = _numbered(theirs, numbers)
    longest = np.zeros(len(ours), dtype=int)
    ours_runs, their_runs = np.zeros_like(mine), np.zeros_like(other)
    for length in range(1, LONGEST + 1):
        ours_runs, their_runs = _longer(ours_runs, mine, length), _longer(their_runs, other, length)
        shared = np.isin(ours_runs, their_runs[their_runs != EDGE]) & (ours_runs != EDGE)
        if not shared.any():
            break
        longest[np.unique(owners[: len(shared)][shared])] = length
    return [int(length) for length in longest]


def _numbered(texts: Sequence[str], numbers: dict[str, int]) -> tuple[Numbers, Any]:
    """The words of all texts as 64-bit numbers other than EDGE, with EDGE after each text; and for each position the number of its text."""
    found: list[int] = []
    owners: list[int] = []
    for number, text in enumerate(texts):
        row = [numbers.setdefault(word, 2 * len(numbers) + 1) for word in words(text)]
        found += [*row, EDGE]
        owners += [number] * (len(row) + 1)
    mixed = np.array(found, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29)), np.array(owners, dtype=int)


def _longer(runs: Numbers, tokens: Numbers, length: int) -> Numbers:
    """The hashes of the runs of `length` words, made from those one word shorter; EDGE where a run would leave its text."""
    last = tokens[length - 1 :]
    if not len(last):
        return last
    before = runs[: len(last)]
    found = (before * np.uint64(0xD6E8FEB86659FD93) + last) | np.uint64(1)
    return np.where((last == EDGE) | ((before == EDGE) & (length > 1)), np.uint64(EDGE), found)


def figures(ours: Sequence[tuple[str, str]], theirs: Sequence[str], seed: int) -> dict[str, Any]:
    """Both measures over all turns, and the distribution of similarities on samples. `ours`: the place of each turn, and its text."""
    texts = [text for _, text in ours]
    pairs, runs = nearest(texts, theirs), longest_runs(texts, theirs)
    mine, other = sample(texts, MOST_OURS, seed, "near ours"), sample(theirs, MOST_THEIRS, seed, "near theirs")
    near = similarities(mine, other) if mine and other else []
    top = sorted(range(len(runs)), key=lambda i: -runs[i])[:SHOWN]
    return {
        "turns": len(texts),
        "reference_texts": len(theirs),
        "most_similar": max([pair[0] for pair in pairs[:1]] + near, default=0.0),
        "searched_from": SIMILAR,
        "nearest": [
            {"similarity": similarity, "where": ours[i][0], "ours": texts[i][:200], "theirs": theirs[j][:200]}
            for similarity, i, j in pairs[:SHOWN]
            if similarity >= SIMILAR
        ],
        "sampled": [len(mine), len(other)],
        "similarities": quantiles(near),
        "longest_run": max(runs, default=0),
        "runs": quantiles(runs),
        "longest": [{"words": runs[i], "where": ours[i][0], "ours": texts[i][:200]} for i in top],
    }
