"""Whether gold can be known: how much of it the history reveals, and which values a simple reader recovers from what users say.

The reader is a bag of words: TF-IDF (Salton and Buckley 1988) of words and pairs of words, and one logistic regression (Cox 1958) per dimension. It
is fitted on train users and tried on validation users, whose phrasings it has never seen. Its skill is (accuracy − chance) / (1 − chance), where
chance = 1 / number of values: 0 for guessing, 1 for knowing (Cohen 1960).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from generation.audit.corpus import Corpus
from generation.audit.evenness import final_values
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import SPLITS

LEAST_TRAIN = 20
"""The fewest train texts of a dimension for which a reader is fitted."""


@dataclass(frozen=True)
class Case:
    """A text, the value to be read from it, and whether the history reveals that value."""

    text: str
    value: str
    revealed: bool = True


def states(corpus: Corpus) -> dict[str, dict[str, float]]:
    """split -> the number of gold values of standing preferences, and the share in each state under the whole history."""
    found: dict[str, dict[str, float]] = {}
    for split in SPLITS:
        gold = [entry.state for item in corpus.items if item.split == split for entry in item.gold if entry.source == "preference"]
        if gold:
            kinds = ("revealed", "contradicted", "unrevealed", "unlabelled")
            found[split] = {"gold": len(gold), **{kind: gold.count(kind) / len(gold) for kind in kinds}}
    return found


def histories(corpus: Corpus, split: str) -> dict[str, list[Case]]:
    """dimension -> one case per user of the split with a value there: everything they say, and their value at the end."""
    found: dict[str, list[Case]] = defaultdict(list)
    for user in corpus.users:
        chats = corpus.histories[user.persona_id]
        if user.split != split:
            continue
        text = "\n".join(turn for chat in chats for turn in chat.said("user"))
        told = {(r.dimension, r.value) for chat in chats for turn in chat.turns for r in turn.reveals if r.standing}
        for dimension, value in final_values(user).items():
            found[dimension].append(Case(text, value, (dimension, value) in told))
    return found


def wordings(corpus: Corpus, split: str) -> dict[str, list[Case]]:
    """dimension -> one case per user turn of the split that reveals exactly one thing, where that is a value of the dimension."""
    found: dict[str, list[Case]] = defaultdict(list)
    for chat in corpus.of(split):
        for turn in chat.turns:
            if turn.role == "user" and len(turn.reveals) == 1 and turn.reveals[0].dimension in load_catalog().dimensions:
                found[turn.reveals[0].dimension].append(Case(turn.text, turn.reveals[0].value))
    return found


def read(train: Sequence[Case], tried: Sequence[Case]) -> list[bool]:
    """For each tried case, whether a reader fitted on `train` names its value."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    reader = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(C=30.0, max_iter=300))
    reader.fit([case.text for case in train], [case.value for case in train])
    said = reader.predict([case.text for case in tried])
    return [bool(one == case.value) for one, case in zip(said, tried, strict=True)]


def skill(right: Sequence[bool], values: Sequence[int]) -> float | None:
    """(accuracy − chance) / (1 − chance), where chance is the mean of 1 / values over the cases; None without cases.

    `values`: for each case, how many values its dimension has.
    """
    if not right:
        return None
    chance = sum(1 / number for number in values) / len(values)
    return (sum(right) / len(right) - chance) / (1 - chance)


def recovered(train: dict[str, list[Case]], tried: dict[str, list[Case]]) -> dict[str, Any]:
    """The reader's skill over all dimensions, per dimension, and separately for values that the history reveals and those that it does not."""
    rows: list[tuple[str, Case, bool, int]] = []
    for dimension, cases in sorted(tried.items()):
        mine = train.get(dimension, [])
        if len(mine) < LEAST_TRAIN or len({case.value for case in mine}) < 2:
            continue
        number = len(load_catalog().dimensions[dimension].values)
        rows += [(dimension, case, right, number) for case, right in zip(cases, read(mine, cases), strict=True)]
    return {
        "cases": len(rows),
        "skill": _skill(rows),
        "revealed_cases": sum(row[1].revealed for row in rows),
        "revealed_skill": _skill([row for row in rows if row[1].revealed]),
        "unrevealed_cases": sum(not row[1].revealed for row in rows),
        "unrevealed_skill": _skill([row for row in rows if not row[1].revealed]),
        "unrevealed_p": _by_luck([row for row in rows if not row[1].revealed]),
        "by_dimension": {d: _skill([row for row in rows if row[0] == d]) for d in dict.fromkeys(row[0] for row in rows)},
    }


def _skill(rows: Sequence[tuple[str, Case, bool, int]]) -> float | None:
    return skill([row[2] for row in rows], [row[3] for row in rows])


def _by_luck(rows: Sequence[tuple[str, Case, bool, int]]) -> float | None:
    """The probability that guessing names at least as many values: a binomial tail with the mean chance of the cases."""
    from scipy import stats

    if not rows:
        return None
    return float(stats.binom.sf(sum(row[2] for row in rows) - 1, len(rows), sum(1 / row[3] for row in rows) / len(rows)))


def figures(corpus: Corpus) -> dict[str, Any]:
    """The states of gold, and what the reader recovers from whole histories and from single turns."""
    found = states(corpus)
    gold = sum(row["gold"] for row in found.values())
    return {
        "states": found,
        "gold": gold,
        "revealed": sum(row["gold"] * row["revealed"] for row in found.values()) / gold if gold else None,
        "histories": recovered(histories(corpus, "train"), histories(corpus, "validation")),
        "wordings": recovered(wordings(corpus, "train"), wordings(corpus, "validation")),
    }
