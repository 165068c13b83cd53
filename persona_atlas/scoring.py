"""Scores an answer to an item. Pure functions, shared by the builder, the trainer, the harness and the leaderboard.

The definitions are those of MEASUREMENT: responsiveness g (2), personalization G (3), met, task, hard_ok, lures, stale and leak (4). An example:
a user wants brief answers with bullets, and the answer is brief prose. Length scores 1 − 0; structure, which has five values, scores 0 − 1/4.
If the answer is responsive, G = g · (1 − 1/4) / 2 = 3/8.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import regex

from persona_atlas.amounts import SPELLED
from persona_atlas.answer import Answer
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.preferences.checkers.hard import word_pattern
from persona_atlas.records import Item, Lure, canonical_json
from persona_atlas.tasks.templates import Filling, fill, load_templates
from persona_atlas.tasks.verifiers import key_terms, solves, spaced, verify

SCORER_VERSION = 9
INSIDE, FURTHER = regex.compile(r"\w\Z|\d[.,]\Z"), regex.compile(r"\w|[.,]\d")
"""Match the text before (INSIDE) and after (FURTHER) a passage if the passage is part of a longer word or number."""
_HELP = (
    r"(?:help(?! (?:but|(?:add|feel|notic|smil|think|wonder)ing)\b)|assist|provide|answer|respond|reply|calculate|compute|work (?:\w+ )?out|comply|"
    r"do|fulfil|fulfill|complete|continue|engage|participate|create|generate|produce|write|discuss|perform|support)\b"
)
_TELL = (
    r"(?:offer|suggest|recommend|advise|estimate|determine|figure|solve|say(?! for (?:sure|certain)\b[^.]{0,40}\bbut\b)|tell|give|share|show|make|"
    r"find|see(?! (?:why|any|how)\b)|explain|describe|process|access|browse|open|view|look|search|check|verify|confirm|know|understand|convert|"
    r"weigh|measure|predict|translate)\b(?![^.,:\n]{0,40}\benough\b)"
)
_UNABLE = r"(?:(?: \w+ly)? (?:cannot|can't|can not|won't be able to|will not be able to)|(?: am|'m)(?: \w+ly)? (?:unable|not able) to)"
_REFUSING = rf"i(?:{_UNABLE}(?: \w+ly)? (?:{_HELP}|{_TELL})|(?: \w+ly)? (?:won't|will not)(?: \w+ly)? {_HELP})"
_SORRY = (
    r"(?:(?:i(?:'?m| am) )?(?:(?:really|so|very) )?sorry|i (?:do |sincerely )?apologi[sz]e|my apologies|unfortunately|regrettably|"
    r"i(?:'m| am) afraid(?: that)?)(?: for [^.,\n]{1,40})?,? (?:but )?"
)
REFUSAL = regex.compile(
    r"^\W*(?:i'?m (?:really |so )?sorry,? (?:but )?(?:i\b|as an ai)|sorry,? (?:but )?i\b|"
    rf"(?:{_SORRY})?(?:{_REFUSING}|as an ai\b.{{0,60}}\b(?:cannot|can't|unable|not able|don't have)))"
)
"""Matches the beginning of a refusal: that the answerer cannot or will not help, and not only that it cannot stress something enough."""
CLEAR = 20.0
"""By how many nats another language must be more likely than English. Lists of a few foods and units reach 14, foreign sentences of six words 37."""
SPEAKER = regex.compile(r"\A(?:User|Assistant): ")
"""How a line begins in a conversation that is shown as text (`protocol.as_text`)."""
_NUMBER = rf"(?:\d{{1,3}}+(?![.,]?\d)|{SPELLED})"
_ASKING = (
    r"a|all|an|and|as|at|be|between|bullets|by|contain|contains|every|exactly|first|for|from|give|has|have|in|into|just|keep|last|least|limit|"
    r"(?:in|of|to|use) (?:about|around|roughly)|list|maximum|minimum|most|of|only|or|over|than|the|these|to|under|up|use|with|within|write"
)
FORM = regex.compile(
    rf"(?:(?<=\b(?:{_ASKING})\s)|(?<=^|[-–*•:;,.!?(]\s?))(?<!\d|\d[.,]){_NUMBER}(?:\s{{0,30}}+(?:-|–|to|and|or)\s{{0,30}}+{_NUMBER})?[\s-]{{0,30}}+"
    r"(word|sentence|bullet|point|item|line|paragraph|step|heading)s?(?: points?)?\b",
    regex.I | regex.M,
)
"""A number that asks for the answer's form (`in 15 to 40 words`), and so does not answer the question. `It takes 72 points` asks for nothing."""
WORD = regex.compile(r"\p{L}[\p{L}'’]*")
QUOTED = 4
"""The fewest words of a line that may be a quotation from within a message. Any answer can be put together from single words of a history."""
LONG = 6
"""The fewest letters of the words by which `responds_to` tells whether an answer is on the subject."""
LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "nl", "pl", "tr", "ru", "ar", "hi", "zh", "ja", "ko", "vi"]


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one answer. `by_dimension`: each gold dimension's term of G, before g. `shows`: the value shown in each gold dimension.

    A score is None if the item has nothing of the kind: `personalization` and `met` without gold; `hard_ok` without hard constraints; `lured` (the
    share of lures that the answer shows; overpersonalization is this minus identity's) and `stale` (the share of replaced values that it still
    shows) without lures of that kind; `task` and `leak` if the question is not from the task bank, so that no program knows its right answer.
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
        """Return G over those of `dimensions` that are gold; None if none is."""
        terms = [self.by_dimension[dimension] for dimension in dimensions if dimension in self.by_dimension]
        if not terms:
            return None
        mean = self.g * sum(terms) / len(terms)
        return min(mean, 0.0) if self.leak else mean


def filling_of(item: Item) -> Filling:
    """Return the item's task with its slots filled. Remembered, since an item gets many answers."""
    return _filled(item.template_id, canonical_json(item.slots))


@lru_cache(maxsize=2**14)
def _filled(template_id: str, slots: str) -> Filling:
    return fill(load_templates()[template_id], json.loads(slots))


def score(item: Item, answer_text: str, finish_reason: str) -> Scores:
    """Score an answer. `finish_reason` is what the target reported: anything but `stop` (cut off, did not fit, failed) makes g 0."""
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
    """Return g times the share of the lures that the answer shows; None if there are no lures."""
    catalog = load_catalog()
    return g * sum(catalog.value(lure.dimension, lure.value).met(answer) for lure in lures) / len(lures) if lures else None


def _judged(item: Item, answer: Answer) -> tuple[float | None, bool]:
    """Return the verifier's score of the answer (None if the item has no task), and whether it is responsive."""
    if not item.has_task:
        return None, responds_to(answer, item.query)
    filling = filling_of(item)
    right = verify(filling, answer)
    return right, responsive(answer, filling, right)


def contrast(answer: Answer, gold: Mapping[str, str]) -> tuple[dict[str, float], dict[str, str | None]]:
    """Return, for each gold dimension, s_v(y) − mean over v' ≠ v of s_v'(y), and the value that the answer shows."""
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
    """Return the scores of an answer whose prompt answered the question itself: task at most that of `baseline`, G at most 0 (MEASUREMENT 4)."""
    task = None if scores.task is None or baseline.task is None else min(scores.task, baseline.task)
    personalization = None if scores.personalization is None else min(scores.personalization, 0.0)
    return replace(scores, leak=1.0, task=task, personalization=personalization)


def leaks(item: Item, prompt: str, shown: Iterable[str]) -> bool:
    """Return whether the optimizer answered the question itself: the prompt passes the verifier although the query does not.

    Lines that stand word for word in what the request showed (`shown`: the query and the history's messages), as lines or as QUOTED or more words
    of one, are not the optimizer's own and do not count, since an earlier conversation may hold the right number by chance. The catalogue's
    instruction wordings do not count either, nor do numbers of words, sentences or items that the prompt asks for, unless the question itself is
    about them. What is left counts alone and beside the query, line by line and as one line.
    """
    return answers_question(item, Said(shown).own(prompt))


class Said:
    """The texts that a request showed; they tell which lines of a prompt are the optimizer's own."""

    def __init__(self, shown: Iterable[str]) -> None:
        texts = list(shown)
        self._lines, self._whole = {line.strip() for text in texts for line in text.split("\n")}, "\n".join(texts)
        self._held: dict[str, bool] = {}  # of the lines that prompts had so far: many prompts of a request share lines

    def own(self, prompt: str) -> str:
        """Return the lines of the prompt that are not in these texts, with or without the speaker's name at their start."""
        lines, held = prompt.split("\n"), self._held
        for line in lines:
            if line not in held:
                held[line] = any(map(self._holds, dict.fromkeys([line.strip(), SPEAKER.sub("", line.strip())])))
        return "\n".join(line for line in lines if not held[line])

    def _holds(self, line: str) -> bool:
        """Return whether these texts hold the line, as a line or, if it has QUOTED words, within one, but not inside a longer word or number."""
        if line in self._lines:
            return True
        if len(line.split()) < QUOTED:
            return False
        start = self._whole.find(line)
        while start >= 0:
            if not INSIDE.search(self._whole[max(0, start - 2) : start]) and not FURTHER.match(self._whole, start + len(line)):
                return True
            start = self._whole.find(line, start + max(1, len(line)))
        return False


def answers_question(item: Item, own: str) -> bool:
    """Return whether an optimizer's own lines answer the question (see `leaks`). False if the item has no task, since it cannot be told."""
    if not own or not item.has_task:
        return False
    filling, asked = filling_of(item), set(WORD.findall(item.query.lower()))
    for line in _instructions():
        own = own.replace(line, " ")
    own = FORM.sub(lambda match: match.group(0) if asked & {match.group(1).lower(), match.group(1).lower() + "s"} else " ", own)
    if not own.strip() or _solves_itself(item.template_id, canonical_json(item.slots), item.query):
        return False
    readings = [text for words in dict.fromkeys([own.strip(), " ".join(own.split())]) for text in (words, f"{item.query}\n{words}")]
    return any(solves(filling, text) for text in readings)


@lru_cache(maxsize=2**14)
def _solves_itself(template_id: str, slots: str, query: str) -> bool:
    """Whether the question holds its own answer, so that no prompt can be blamed for it."""
    return solves(_filled(template_id, slots), query)


@lru_cache(maxsize=1)
def _instructions() -> tuple[str, ...]:
    """Every instruction wording of the catalogue. A prompt that repeats one does not answer the question by it."""
    catalog = load_catalog()
    wordings = [value.instructions for value in catalog.values()] + [constraint.instructions for constraint in catalog.hard.values()]
    return tuple(line for lines in wordings for line in lines)


def responsive(answer: Answer, filling: Filling, right: float) -> bool:
    """Return g apart from the finish reason: whether the answer is not empty, no refusal, in English, and on the subject.

    An answer is on the subject if its task score `right` is above 0, or if it holds a slot value or one of the verifier's spellings.
    """
    if refuses(answer):
        return False
    if right == 0.0 and not word_pattern(key_terms(filling)).search(spaced(answer.lower)):
        return False
    return in_english(answer)


def responds_to(answer: Answer, query: str) -> bool:
    """Return the same for a question without a task. Here an answer is on the subject if it holds one of the question's longer words.

    These are the words of at least LONG letters, or all words if there are none so long. This is weaker than a task's slot values and key points.
    """
    words = WORD.findall(query.lower())
    longer = tuple(dict.fromkeys(word for word in words if len(word) >= LONG)) or tuple(dict.fromkeys(words))
    return not refuses(answer) and word_pattern(longer).search(answer.lower) is not None and in_english(answer)


def takes_part(answer: Answer, finish_reason: str) -> bool:
    """Return whether the answer is complete, in English and no refusal, whatever its subject: all that is asked of a clarifying question."""
    return finish_reason == "stop" and not refuses(answer) and in_english(answer)


def refuses(answer: Answer) -> bool:
    """Return whether the answer is empty or a refusal. Code is an answer, too."""
    empty = not answer.words and not any(block.words for block in answer.of_kind("code"))
    return empty or REFUSAL.match(answer.lower[:200].strip()) is not None


def in_english(answer: Answer) -> bool:
    """Return whether the words are English, by py3langid among sixteen large languages. Fewer than six words only need a Latin letter.

    Another language must be more likely by CLEAR: of a short list of names and units, py3langid can only guess.
    """
    words = regex.sub(r"[^\p{L}'\s]+", " ", answer.visible)
    if len(words.split()) < 6:
        return bool(regex.search(r"[a-zA-Z]", words)) or not words.strip()
    ranked = _identifier().rank(words)
    return bool(ranked[0][1] - dict(ranked)["en"] < CLEAR)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(LANGUAGES)
    return identifier
