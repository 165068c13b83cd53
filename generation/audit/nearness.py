"""How near each user turn is to the texts of a reference: whether somebody's words were taken over.

Two measures. The Jaccard similarity (1901) of the sets of character 5-grams of a turn and its nearest reference text: for all turns, pairs that
MinHash and locality-sensitive hashing propose (Broder 1997; 64 permutations) are computed exactly; for a sample, all pairs are. And the longest run
of words that a turn and any reference text share (Carlini et al. 2023 call a run of 50 tokens memorized; Lee et al. 2022).
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
"""The similarity from which locality-sensitive hashing is to propose pairs."""
MOST_OURS, MOST_THEIRS = 1_000, 5_000
"""Texts whose similarities to each other are all computed, for the distribution."""
BATCH = 100
SHOWN = 5
LONGEST = 200
EDGE = 0
Numbers = np.ndarray[Any, np.dtype[np.uint64]]


def shingles(text: str) -> set[str]:
    """The character 5-grams of a text's words in lower case; a shorter text is one."""
    said = normal(text)
    return {said[i : i + GRAM] for i in range(max(len(said) - GRAM + 1, 1))}


def jaccard(one: set[str], other: set[str]) -> float:
    """|A ∩ B| / |A ∪ B|."""
    return len(one & other) / len(one | other) if one or other else 1.0


def nearest(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[float, int, int]]:
    """The pairs (similarity, ours, theirs) that hashing proposes, each of ours with its nearest, the most alike first."""
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
    """For each of ours the similarity to the nearest of theirs, pair by pair: shared 5-grams by a product of sparse matrices."""
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
    """For each of ours the longest run of words that stands in any of theirs.

    Runs of 1, 2, 3 … words are hashed over all texts at once, and looked up, until none of ours stands there.
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
    """The words of all texts as odd 64-bit numbers, EDGE behind each text, and whose each place is."""
    found: list[int] = []
    owners: list[int] = []
    for number, text in enumerate(texts):
        row = [numbers.setdefault(word, 2 * len(numbers) + 1) for word in words(text)]
        found += [*row, EDGE]
        owners += [number] * (len(row) + 1)
    mixed = np.array(found, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29)), np.array(owners, dtype=int)


def _longer(runs: Numbers, tokens: Numbers, length: int) -> Numbers:
    """The hashes of the runs of `length` words from those one word shorter; EDGE where a run would leave its text."""
    last = tokens[length - 1 :]
    if not len(last):
        return last
    before = runs[: len(last)]
    found = (before * np.uint64(0xD6E8FEB86659FD93) + last) | np.uint64(1)
    return np.where((last == EDGE) | ((before == EDGE) & (length > 1)), np.uint64(EDGE), found)


def figures(ours: Sequence[tuple[str, str]], theirs: Sequence[str], seed: int) -> dict[str, Any]:
    """`ours`: where a turn stands, and the turn. Both measures over all turns; the distribution of similarities on samples."""
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
