"""From an item and an answer to scores. Pure; the builder, the trainer, the harness and the leaderboard share it.

The definitions are MEASUREMENT's: responsiveness g (2), personalization G (3), met, task, hard_ok, lures, stale and leak (4). An example: a
user wants brief answers with bullets; the answer is brief prose. Length scores 1 − 0; structure, which has five values, 0 − 1/4;
G = g · (1 − 1/4) / 2 = 3/8.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.checkers.hard import word_pattern
from persona_atlas.records import Item, Lure
from persona_atlas.tasks.templates import Filling, fill, load_templates
from persona_atlas.tasks.verifiers import key_terms, verify, verify_text

SCORER_VERSION = 5
INSIDE, FURTHER = regex.compile(r"\w\Z|\d[.,]\Z"), regex.compile(r"\w|[.,]\d")
"""What stands before and behind a piece of a longer word or number."""
REFUSAL = regex.compile(
    r"^\W*(?:i'?m (?:really |so )?sorry,? (?:but )?(?:i\b|as an ai)|sorry,? (?:but )?i\b|"
    r"i (?:cannot|can't|can not|am unable|am not able|'m unable|won't|will not)\b|"
    r"i'm (?:unable|not able)|as an ai\b.{0,60}\b(?:cannot|can't|unable|not able|don't have))"
)
SPEAKER = regex.compile(r"\A(?:User|Assistant): ")
"""How a line of a conversation begins where it is shown as text (`protocol.as_text`)."""
FORM = regex.compile(
    r"(?<!\d)\d[\d,.]{0,30}+(?:\s{0,30}+(?:-|–|to|and|or)\s{0,30}+\d[\d,.]{0,30}+)?[\s-]{0,30}+"
    r"(word|sentence|bullet|point|item|line|paragraph|step|heading)s?(?: points?)?\b",
    regex.I,
)
"""A number that speaks of the answer's form (`15 to 40 words`): no answer to the question."""
WORD = regex.compile(r"\p{L}[\p{L}'’]*")
LONG = 6
"""How many letters the words have by which an answer to a question without a task is found to be on the subject."""
LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "nl", "pl", "tr", "ru", "ar", "hi", "zh", "ja", "ko", "vi"]


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one answer. `by_dimension`: each gold dimension's term of G, before g.

    None where the item has nothing of the kind: `personalization` and `met` without gold, `hard_ok` without hard constraints, `lured` (the
    share of lures that the
    answer shows; overpersonalization is this less identity's) and `stale` (the share of replaced values that it still shows) without lures
    of that kind; `task` and `leak` where the question is not of the task bank, so that no program knows its right answer.
    """

    g: float
    personalization: float | None
    met: float | None
    task: float | None
    hard_ok: float | None
    lured: float | None
    stale: float | None
    leak: float | None
    by_dimension: Mapping[str, float]
    shows: Mapping[str, str | None]

    def over(self, dimensions: Iterable[str]) -> float | None:
        """G over some of the gold dimensions; None where none of them is gold."""
        terms = [self.by_dimension[dimension] for dimension in dimensions if dimension in self.by_dimension]
        if not terms:
            return None
        mean = self.g * sum(terms) / len(terms)
        return min(mean, 0.0) if self.leak else mean


def filling_of(item: Item) -> Filling:
    """The item's task with its slots filled."""
    return fill(load_templates()[item.template_id], item.slots)


def score(item: Item, answer_text: str, finish_reason: str) -> Scores:
    """Score an answer. `finish_reason` is what the target reported: anything but `stop` makes g zero (cut off, did not fit, failed)."""
    answer = Answer(answer_text)
    right, on_subject = _judged(item, answer)
    g = float(finish_reason == "stop" and on_subject)
    terms, shows = contrast(answer, {gold.dimension: gold.value for gold in item.gold})
    catalog = load_catalog()
    return Scores(
        g=g,
        personalization=g * sum(terms.values()) / len(terms) if terms else None,
        met=g * sum(shows[gold.dimension] == gold.value for gold in item.gold) / len(terms) if terms else None,
        task=None if right is None else g * right,
        hard_ok=g * min(float(catalog.hard[constraint].met(answer)) for constraint in item.hard) if item.hard else None,
        lured=_shown_share(answer, [lure for lure in item.lures if lure.why != "replaced"], g),
        stale=_shown_share(answer, [lure for lure in item.lures if lure.why == "replaced"], g),
        leak=0.0 if item.has_task else None,
        by_dimension=terms,
        shows=shows,
    )


def _shown_share(answer: Answer, lures: Sequence[Lure], g: float) -> float | None:
    """g times the share of the lures that the answer shows; None where there are none."""
    catalog = load_catalog()
    return g * sum(catalog.value(lure.dimension, lure.value).met(answer) for lure in lures) / len(lures) if lures else None


def _judged(item: Item, answer: Answer) -> tuple[float | None, bool]:
    """How right the answer is, None where that cannot be told, and whether it is responsive."""
    if not item.has_task:
        return None, responds_to(answer, item.query)
    filling = filling_of(item)
    right = verify(filling, answer)
    return right, responsive(answer, filling, right)


def contrast(answer: Answer, gold: Mapping[str, str]) -> tuple[dict[str, float], dict[str, str | None]]:
    """For each gold dimension s_v(y) − mean over v' ≠ v of s_v'(y), and the value that the answer shows."""
    catalog = load_catalog()
    terms: dict[str, float] = {}
    shows: dict[str, str | None] = {}
    for name, value in gold.items():
        dimension = catalog.dimensions[name]
        shown = dimension.met_by(answer)
        shows[name] = shown
        terms[name] = 0.0 if shown is None else 1.0 if shown == value else -1.0 / (len(dimension.values) - 1)
    return terms, shows


def penalize_leak(scores: Scores, baseline: Scores) -> Scores:
    """The scores of an answer whose prompt answered the question itself: no better than identity's on task, than 0 on G (MEASUREMENT 4)."""
    task = None if scores.task is None or baseline.task is None else min(scores.task, baseline.task)
    personalization = None if scores.personalization is None else min(scores.personalization, 0.0)
    return replace(scores, leak=1.0, task=task, personalization=personalization)


def leaks(item: Item, prompt: str, shown: Iterable[str]) -> bool:
    """Whether the optimizer answered the question itself: the prompt passes the verifier although the query does not.

    Lines that stand word for word in what the request showed (`shown`: the query and the history's messages) are not the optimizer's
    own and do not count:
    an earlier conversation may hold the right number by chance. Neither do the catalogue's instruction wordings, nor numbers of words,
    sentences or items
    that it asks for, unless the question itself is about them.
    """
    return answers_question(item, Said(shown).own(prompt))


class Said:
    """The texts that a request showed, for telling which lines of a prompt are the optimizer's own."""

    def __init__(self, shown: Iterable[str]) -> None:
        texts = list(shown)
        self._lines, self._whole = {line.strip() for text in texts for line in text.split("\n")}, "\n".join(texts)

    def own(self, prompt: str) -> str:
        """The lines of the prompt that do not stand there, by themselves or after a speaker's name."""
        lines = prompt.split("\n")
        held = {line: self._holds(line.strip()) or self._holds(SPEAKER.sub("", line.strip())) for line in dict.fromkeys(lines)}
        return "\n".join(line for line in lines if not held[line])

    def _holds(self, line: str) -> bool:
        """Whether it stands there: as a line, or within one and not inside a longer word or number (`400` in `1400` does not)."""
        if line in self._lines:
            return True
        start = self._whole.find(line)
        while start >= 0:
            if not INSIDE.search(self._whole[max(0, start - 2) : start]) and not FURTHER.match(self._whole, start + len(line)):
                return True
            start = self._whole.find(line, start + max(1, len(line)))
        return False


def answers_question(item: Item, own: str) -> bool:
    """Whether an optimizer's own lines answer the question; see `leaks`. Of a question without a task this cannot be told, and it is said not to."""
    if not own or not item.has_task:
        return False
    filling, lower = filling_of(item), item.query.lower()
    form = FORM.sub(lambda match: match.group(0) if match.group(1).lower() in lower else " ", own)
    if verify_text(filling, form) < 1.0 or verify_text(filling, item.query) >= 1.0:
        return False
    for line in _instructions():
        form = form.replace(line, " ")
    return verify_text(filling, form) >= 1.0


@lru_cache(maxsize=1)
def _instructions() -> tuple[str, ...]:
    """Every instruction wording of the catalogue: whoever repeats one has answered no question."""
    catalog = load_catalog()
    wordings = [value.instructions for value in catalog.values()] + [constraint.instructions for constraint in catalog.hard.values()]
    return tuple(line for lines in wordings for line in lines)


def responsive(answer: Answer, filling: Filling, right: float) -> bool:
    """g without the finish reason: not empty, no refusal, in English, and on the subject (a slot value or key point stands there)."""
    if refuses(answer):
        return False
    if right == 0.0 and not word_pattern(key_terms(filling)).search(answer.lower):
        return False
    return in_english(answer)


def responds_to(answer: Answer, query: str) -> bool:
    """The same for a question without a task: on the subject is an answer in which one of the question's longer words stands.

    Longer are words of LONG letters, or all words where the question has none so long. This is weaker than a task's slot values and key points.
    """
    words = WORD.findall(query.lower())
    longer = tuple(dict.fromkeys(word for word in words if len(word) >= LONG)) or tuple(dict.fromkeys(words))
    return not refuses(answer) and word_pattern(longer).search(answer.lower) is not None and in_english(answer)


def takes_part(answer: Answer, finish_reason: str) -> bool:
    """Whether the answer came to its end, is in English and no refusal, whatever it speaks of: what is asked of a question back."""
    return finish_reason == "stop" and not refuses(answer) and in_english(answer)


def refuses(answer: Answer) -> bool:
    """Whether there is no answer, or a refusal."""
    return not answer.words or REFUSAL.match(answer.lower[:200].strip()) is not None


def in_english(answer: Answer) -> bool:
    """Whether the words are English, by py3langid among sixteen large languages; fewer than six words are given the benefit of the doubt."""
    words = regex.sub(r"[^\p{L}'\s]+", " ", answer.visible)
    if len(words.split()) < 6:
        return bool(regex.search(r"[a-zA-Z]", words)) or not words.strip()
    return bool(_identifier().classify(words)[0] == "en")


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(LANGUAGES)
    return identifier
