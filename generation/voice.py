"""A user's voice: what they say around questions and wishes, and how they type it. Nothing here says how an answer should look.

A message is put together from the banks (an aside, the question, the wish, a lead and an end of a reaction) by the user's verbosity and manner.
`typed` then adds their habits of speech, abbreviations, typos and case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import regex

from generation.banks import chatter, people, words_by_slip
from generation.life import Life
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import WritingStyle
from persona_atlas.tasks.markup import DAYS, Locale
from persona_atlas.tasks.templates import Filling, load_templates

ASIDE = {"terse": 0.08, "plain": 0.35, "chatty": 0.75}
LEAD = {"terse": 0.6, "plain": 0.75, "chatty": 0.9}
TRAIL = {"terse": 0.35, "plain": 0.6, "chatty": 0.85}
THANKS = {"terse": 0.15, "plain": 0.3, "chatty": 0.5}
FOLLOW_UP = {"terse": 0.1, "plain": 0.2, "chatty": 0.35}
HABIT = 0.45
NAMED = 0.85
OPENED = 0.5
CLOSED = 0.4
BY_THE_WAY = regex.compile(r"^(?:by the way|oh|also|and|one more thing|incidentally|just so you know|for later)\b[,:]?\s+(?:and\s+)?", regex.I)
_WORD = regex.compile(r"[A-Za-z]{5,}")
_CASED = regex.compile(r"(?P<kept>\b(?=[A-Z]*[-\d])[A-Z][A-Z\d-]*\d\b|°[CF]\b)|.", regex.S)
_ENDED = regex.compile(r"[.!?…:][\"')]?$")
_GREETING = regex.compile(
    r"(?:hi|hello|hey|hiya|hullo|howdy|yo|oi|g'day|greetings|afternoon|morning all|good (?:day|morning|evening|afternoon))\b", regex.I
)
_COURTESY = regex.compile(r"\b(?:please|pls|plz|thanks?|thx|tks|tia|ta|cheers|grateful|regards|wishes|obliged|merci|bless you)\b", regex.I)


@dataclass
class Voice:
    """One user speaking about one filled task. `hard`: the constraints that the assistant knows; lines that `life` contradicts are never picked."""

    style: WritingStyle
    filling: Filling
    draw: np.random.Generator
    hard: frozenset[str] = frozenset()
    life: Life = field(default_factory=Life)

    def question(self, query: str, said: Sequence[str]) -> str:
        """A message with the question and what is said with it, perhaps after an aside."""
        parts = [query, *said] if said else [self._closed(query)]
        if not _GREETING.match(query) and self._happens(ASIDE):
            parts.insert(0, self.filled(self.pick(chatter()["asides"])))
        return self._opened(joined(parts))

    def reaction(self, said: Sequence[str], *, glad: bool) -> str:
        """A reaction to an answer: what is said, perhaps after a lead, and perhaps with an end that is glad or asks for another answer."""
        manner = self.style.manner
        parts = list(said)
        if self._happens(LEAD):
            parts.insert(0, self.filled(self.pick(chatter()["leads"][manner])))
        if self._happens(TRAIL):
            parts.append(self.filled(self.pick(chatter()["trails"]["glad" if glad else "again"][manner])))
        return joined(parts)

    def thanks(self) -> str:
        """A line of thanks. One without slots is mostly followed by a line that has one, such as what the user does next."""
        line = str(self.pick(chatter()["thanks"][self.style.manner]))
        if "{" in line or self.draw.random() >= NAMED:
            return self.filled(line)
        ends = [end for end in chatter()["trails"]["glad"][self.style.manner] if "{" in end]
        return self.filled(joined([line, self.pick(ends)]))

    def follow_up(self) -> str:
        """A follow-up question. One that does not name the subject mostly comes after a lead that does."""
        line = str(self.pick(chatter()["follow_ups"]))
        if "{subject}" in line or self.draw.random() >= NAMED:
            return self.filled(line)
        leads = chatter()["further"][self.style.manner]
        return self.filled(joined([self.pick(leads), line]))

    def by_the_way(self) -> str:
        return str(self.pick(chatter()["by_the_way"]))

    def mention(self, said: str) -> str:
        """Something said in passing, mostly after words such as `by the way`."""
        stated = BY_THE_WAY.sub("", said)
        stated = stated[:1].upper() + stated[1:]
        return joined([self.by_the_way(), stated]) if self.draw.random() < NAMED else stated

    def thanks_at_the_end(self) -> bool:
        return self._happens(THANKS)

    def asks_on(self) -> bool:
        return self._happens(FOLLOW_UP)

    def filled(self, line: str) -> str:
        """A line from the banks with its slots filled: from the task's plan, and with invented people, places and times."""
        if "{" not in line:
            return line
        data, plan, locale = people(), self.filling.template.plan, Locale(hard=self.hard)
        relative = str(self.pick(data["relatives"]))
        return line.format(
            subject=self.filling.text(plan.subject or plan.title, locale),
            next=self.filling.text(plan.next_step, locale),
            relative=f"{relative} {self.life.called(relative, data['names'])}",
            day=self.pick(DAYS),
            town=self.pick(data["towns"]),
            minutes=str(5 * int(self.draw.integers(1, 13))),
        )

    def typed(self, text: str) -> str:
        """`text` as the user types it: with their habits, abbreviations, typos and case. There are no typos in the words of slot values."""
        keep = frozenset(word.lower() for word in slot_words(self.filling))
        text = abbreviated(self._habit(text), self.style)
        if self.style.typo_rate:
            text = _WORD.sub(lambda match: self._slip(match.group(0), keep), text)
        return settled(text, self.style)

    def pick(self, options: Sequence[Any]) -> Any:
        """A random option. Lines of text that the user's life contradicts are left out."""
        allowed = self.life.fitting(options)
        return allowed[int(self.draw.integers(len(allowed)))]

    def _happens(self, chances: dict[str, float]) -> bool:
        return bool(self.draw.random() < chances[self.style.verbosity])

    def _slip(self, word: str, keep: frozenset[str]) -> str:
        return word if word.lower() in keep or self.draw.random() >= self.style.typo_rate else typo(word, self.draw)

    def _habit(self, text: str) -> str:
        if self.style.habit_before and self.draw.random() < HABIT and not _GREETING.match(text):
            text = f"{self.style.habit_before} {uncapitalized(text)}"
        if self.style.habit_after and self.draw.random() < HABIT and not text.endswith("?") and not _COURTESY.search(text[-40:]):
            text = f"{text.rstrip('.')}, {self.style.habit_after}."
        return text

    def _opened(self, text: str) -> str:
        if not self.style.opener or _GREETING.match(text) or self.draw.random() >= OPENED:
            return text
        return f"{self.style.opener.rstrip()} {uncapitalized(text)}"

    def _closed(self, text: str) -> str:
        if not self.style.closer or _COURTESY.search(text) or self.draw.random() >= CLOSED:
            return text
        mark = "" if text.endswith(("?", "!")) else ","
        return f"{text.rstrip('.')}{mark} {self.style.closer.strip()}"


def abbreviated(text: str, style: WritingStyle) -> str:
    """The text with the user's abbreviations."""
    for word, short in style.abbreviations.items():
        text = _whole(word).sub(short, text)
    return text


@lru_cache(maxsize=256)
def _whole(word: str) -> regex.Pattern[str]:
    return regex.compile(rf"\b{regex.escape(word)}\b", regex.I)


def uncapitalized(text: str) -> str:
    """The text with a small first letter, unless the first word is `I` or may be a name."""
    first = regex.match(r"[A-Za-z]+", text)
    own = first is not None and first.group(0) != "I" and first.group(0).lower() in common_words()
    return text[:1].lower() + text[1:] if own else text


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """The words that the banks write in lower case within a sentence. All others may be names."""
    texts = [query for template in load_templates().values() for query in (*template.queries, *template.plan.points)]
    texts += [line for value in load_catalog().values() for banks in value.phrasings.values() for lines in banks.values() for line in lines]
    return frozenset(word for text in texts for word in regex.findall(r"(?<![.?!:] )(?<!^)\b[a-z]+\b", text))


def joined(sentences: Sequence[str]) -> str:
    """Join sentences into one message. All but the last get a full stop if they lack a mark, even if the user drops final stops."""
    *earlier, last = sentences
    return " ".join([*(text if _ENDED.search(text) else text + "." for text in earlier), last])


def lowered(text: str) -> str:
    """The text in lower case, except for codes such as RK-49173 and the units °C and °F, whose meaning would change."""
    return _CASED.sub(lambda found: found["kept"] or found[0].lower(), text)


def settled(text: str, style: WritingStyle) -> str:
    """Apply what a user does in every message: lower case, `...` for full stops between sentences, and no full stop at the end."""
    if style.lowercase:
        text = lowered(text)
    if style.dotted:
        text = regex.sub(r"(?<=[a-z]{2})\. (?=[A-Za-z])", "... ", text)
    if style.drops_final_stop and text.endswith(".") and not text.endswith(".."):
        text = text[:-1]
    return text


def slot_words(filling: Filling) -> frozenset[str]:
    """The words of the slot values, in which a typo would change the task."""
    values = [v for value in filling.slots.values() for v in (value.values() if isinstance(value, dict) else [value])]
    return frozenset(word for value in values for word in str(value).split())


def typo(word: str, draw: np.random.Generator) -> str:
    """The word with one typo inside it: two letters swapped, one left out, or one doubled. The result is never one of `words_by_slip`.

    `word` has at least four letters.
    """
    slip = _slip(word, int(draw.integers(1, len(word) - 2)), int(draw.integers(3)))
    if slip.lower() not in words_by_slip():
        return slip
    others = [_slip(word, i, kind) for i in range(1, len(word) - 2) for kind in range(3)]
    return str(draw.choice([other for other in others if other.lower() not in words_by_slip()]))


def _slip(word: str, i: int, kind: int) -> str:
    """`word` with the letters at `i` and `i + 1` swapped (kind 0), or the letter at `i` left out (1) or doubled (2, and 0 if the two are equal)."""
    match kind:
        case 0 if word[i] != word[i + 1]:
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        case 1:
            return word[:i] + word[i + 1 :]
        case _:
            return word[:i] + word[i] + word[i:]
