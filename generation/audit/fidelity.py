"""How near the users' turns are to those of a reference, by features of writing and by a reader, a classifier trained to tell the two apart.

Nearness to a reference means nothing more than that: if a model wrote the reference, near means like that model. At an AUC of 0.5 the reader cannot
tell the two apart, at 1 it always can.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex

from generation.audit.corpus import Chat, sample, words

MOST = 4_000
"""The most turns per side on which distances are taken."""
TRIED = 1_500
"""The most turns per side and place on which the readers are trained and tried."""
FOLDS = 5
FEWEST = 5
"""The fewest turns in which a word, or a pair of words, has to be for the reader of words to look at it."""
TELLING = 12
PLACES = ("first", "later")
FIRST = frozenset(("i", "i'm", "i've", "i'd", "i'll", "me", "my", "mine", "we", "our", "us"))
SECOND = frozenset(("you", "your", "yours", "you're", "you've", "you'd"))
COURTESY = frozenset(("please", "thanks", "thank", "thx", "pls", "sorry", "cheers", "grateful"))
FUNCTION = frozenset((
    "the", "a", "an", "of", "to", "in", "and", "or", "but", "for", "with", "on", "at", "by", "from", "as", "it", "is", "are", "was", "be", "that",
    "this", "so", "if", "not", "do", "does", "can",
))  # fmt: skip
END = regex.compile(r"[.!?…]+(?=\s|$)")
Vector = dict[str, float]


@dataclass(frozen=True)
class Turn:
    """One user turn: its user, its place in the chat (`first` or `later`), and its text."""

    user: str
    place: str
    text: str


def turns(chats: Sequence[Chat]) -> list[Turn]:
    """The users' turns that hold at least one word."""
    found = []
    for chat in chats:
        found += [Turn(chat.user, PLACES[number > 0], text) for number, text in enumerate(chat.said("user")) if words(text)]
    return found


def features(text: str, slips: frozenset[str] = frozenset()) -> Vector:
    """How a turn of at least one word is written, regardless of what it is about.

    Shares are of its words, rates are per 100 words. `slips` are words that look mistyped.
    """
    said, letters = words(text), [letter for letter in text if letter.isalpha()]
    number = len(said)
    ends = END.findall(text)

    def share(listed: frozenset[str]) -> float:
        return sum(word in listed for word in said) / number

    def rate(marks: str) -> float:
        return 100 * sum(text.count(mark) for mark in marks) / number

    return {
        "words": float(number),
        "sentences": float(max(len(ends), 1)),
        "words a sentence": number / max(len(ends), 1),
        "letters a word": len(letters) / number,
        "type-token ratio (first 30 words)": len(set(said[:30])) / min(number, 30),
        "commas": rate(","),
        "full stops": rate("."),
        "question marks": rate("?"),
        "exclamation marks": rate("!"),
        "em and en dashes": rate("—–"),
        "hyphens": rate("-"),
        "colons and semicolons": rate(":;"),
        "quotation marks": rate('"“”'),
        "parentheses": rate("("),
        "slashes": rate("/"),
        "digits": 100 * sum(letter.isdigit() for letter in text) / number,
        "curly apostrophes": rate("’"),
        "line breaks": rate("\n"),
        "capitals (of letters)": sum(letter.isupper() for letter in letters) / max(len(letters), 1),
        "begins in lower case": float(text[:1].islower()),
        "ends without a mark": float(text.rstrip()[-1:].isalnum()),
        "ends with a question": float(text.rstrip().endswith("?")),
        "contractions": sum("'" in word for word in said) / number,
        "first person": share(FIRST),
        "second person": share(SECOND),
        "courtesy": share(COURTESY),
        "function words": share(FUNCTION),
        "slips": share(slips),
    }


def slips(texts: Sequence[str]) -> frozenset[str]:
    """Words that look mistyped: seen at most twice, and one edit (OSA distance 1) away from a word that is seen 20 times or more.

    First and last letter have to agree, so that endings do not count. Rare words that happen to be close to a common one do count.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    counts = Counter(word for text in texts for word in words(text) if word.isalpha())
    common: dict[tuple[str, str], list[str]] = {}
    for word, count in counts.items():
        if count >= 20 and len(word) >= 4:
            common.setdefault((word[0], word[-1]), []).append(word)
    rare = [word for word, count in counts.items() if count <= 2 and len(word) >= 5]
    near = (word for word in rare if process.extractOne(word, common.get((word[0], word[-1]), []), scorer=OSA.distance, score_cutoff=1))
    return frozenset(near)


def distances(ours: Sequence[Vector], theirs: Sequence[Vector]) -> list[dict[str, Any]]:
    """For each feature, both means and two distances between the distributions; sorted by `ks`, the largest first. None if a side is empty.

    `ks` is the Kolmogorov-Smirnov statistic (Kolmogorov 1933, Smirnov 1948): the largest gap between the distribution functions, 0 to 1.
    `wasserstein` is the Wasserstein distance (Vaserstein 1969) in standard deviations of the reference.
    """
    from scipy import stats

    found = []
    for name in ours[0] if ours and theirs else ():
        one, other = (np.array([vector[name] for vector in vectors]) for vectors in (ours, theirs))
        spread = float(other.std()) or float(one.std()) or 1.0
        found.append({
            "feature": name, "ours": float(one.mean()), "theirs": float(other.mean()), "ks": float(stats.ks_2samp(one, other).statistic),
            "wasserstein": float(stats.wasserstein_distance(one, other)) / spread,
        })  # fmt: skip
    return sorted(found, key=lambda row: -row["ks"])


def told_apart(inputs: Any, ours: Sequence[bool], users: Sequence[str], seed: int) -> dict[str, Any]:
    """The AUC of a logistic regression that tells ours from theirs: mean, least and most over cross-validation folds that share no user.

    `weights` are those of a fit on all turns. Source: the classifier two-sample test, Lopez-Paz and Oquab (2017).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    labels, groups, aucs = np.array(ours), np.array(users), []
    for train, tried in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels, groups):
        if len(set(labels[train])) == 2 and len(set(labels[tried])) == 2:
            reader = LogisticRegression(C=1.0, max_iter=500).fit(inputs[train], labels[train])
            aucs.append(float(roc_auc_score(labels[tried], reader.decision_function(inputs[tried]))))
    weights = LogisticRegression(C=1.0, max_iter=500).fit(inputs, labels).coef_[0]
    return {"auc": float(np.mean(aucs)) if aucs else None, "least": min(aucs, default=None), "most": max(aucs, default=None), "weights": weights}


def discriminators(ours: Sequence[Turn], theirs: Sequence[Turn], typos: frozenset[str], seed: int) -> dict[str, Any]:
    """What two readers tell apart: one of the features, one of words and pairs of words, without case and punctuation.

    Both are None if a side has fewer users than there are folds, and the second also if no word is in FEWEST turns.
    """
    if min(len({turn.user for turn in side}) for side in (ours, theirs)) < FOLDS:
        return {"turns": [len(ours), len(theirs)], "by_features": None, "by_words": None}
    both, labels = [*ours, *theirs], [True] * len(ours) + [False] * len(theirs)
    users = [f"{label}-{turn.user}" for turn, label in zip(both, labels, strict=True)]
    return {
        "turns": [len(ours), len(theirs)],
        "by_features": _by_features([features(turn.text, typos) for turn in both], labels, users, seed),
        "by_words": _by_words([turn.text for turn in both], labels, users, seed),
    }


def _by_features(vectors: Sequence[Vector], labels: Sequence[bool], users: Sequence[str], seed: int) -> dict[str, Any]:
    from sklearn.preprocessing import StandardScaler

    names = list(vectors[0])
    found = told_apart(StandardScaler().fit_transform([list(vector.values()) for vector in vectors]), labels, users, seed)
    return _with_telling(found, names)


def _by_words(texts: Sequence[str], labels: Sequence[bool], users: Sequence[str], seed: int) -> dict[str, Any] | None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if max(Counter(word for text in texts for word in set(words(text))).values()) < FEWEST:
        return None
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=FEWEST, sublinear_tf=True, tokenizer=words, token_pattern=None, lowercase=False)
    inputs = vectorizer.fit_transform(texts)
    return _with_telling(told_apart(inputs, labels, users, seed), list(vectorizer.get_feature_names_out()))


def _with_telling(found: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The result with only the features of the largest weights in place of all weights."""
    weights = found["weights"]
    order = sorted(range(len(names)), key=lambda i: -abs(weights[i]))[:TELLING]
    telling = [{"feature": names[i], "weight": float(weights[i]), "of": "ours" if weights[i] > 0 else "theirs"} for i in order]
    return {**{key: found[key] for key in ("auc", "least", "most")}, "telling": telling}


def figures(ours: Sequence[Chat], theirs: Sequence[Chat], seed: int) -> dict[str, Any]:
    """Distances over all turns, and discriminators separately for first turns (questions) and later ones (feedback, follow-ups)."""
    sides = [turns(ours), turns(theirs)]
    some = [sample(side, MOST, seed, "fidelity", number) for number, side in enumerate(sides)]
    typos = slips([turn.text for side in some for turn in side])
    vectors = [[features(turn.text, typos) for turn in side] for side in some]
    found: dict[str, Any] = {"turns": [len(side) for side in some], "distances": distances(vectors[0], vectors[1]), "told_apart": {}}
    for place in PLACES:
        mine = [sample([turn for turn in side if turn.place == place], TRIED, seed, place, number) for number, side in enumerate(sides)]
        found["told_apart"][place] = discriminators(mine[0], mine[1], typos, seed)
    aucs = [auc for row in found["told_apart"].values() if (auc := (row["by_features"] or {}).get("auc")) is not None]
    return {**found, "auc": max(aucs, default=None), "largest_ks": next((row["ks"] for row in found["distances"]), None)}
