"""Checkers for wording and tone: emoji, exclamation marks, contractions, encouragement, hedges, who speaks and who is addressed."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

CONTRACTION = regex.compile(
    r"\b(?:\w+n't|(?:i|you|we|they|he|she|it|that|there|who|what)'(?:ll|d|re|ve|m|s)|(?:let|here|where|how|when)'s|(?:should|would|could|might|must)'ve|y'all)\b"
)
FULL_FORM = regex.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|would|should|could|will) not|cannot|can not|(?:it|that|there|here|what|who) is|"
    r"(?:you|we|they) (?:are|will|have)|i (?:am|will|have)|it will|let us)\b"
)
ENCOURAGEMENT = regex.compile(
    r"\b(?:you can do (?:this|it)|you(?:'ve| have) got this|(?:good|best of) luck|well done|(?:great|good|nice|amazing) (?:job|work|effort)|"
    r"you(?:'ll| will) (?:do (?:great|fine|well)|be (?:fine|great|glad|proud)|get there|nail it|manage|ace)|keep (?:it up|going|at it|up the)|"
    r"(?:don't|do not|no need to) (?:worry|give up)|you(?:'re| are) (?:doing|on the right|nearly there|almost there|not alone)|"
    r"be proud|proud of you|i(?:'m| am) sure you|i believe in you|happy \w+ing!|have fun|enjoy (?:your|every|the)|every (?:little )?step counts)\b"
)
HEDGE = regex.compile(
    r"\b(?:probably|perhaps|maybe|might|possibly|presumably|(?:most|more|very|quite|less|un)?\s?likely|i (?:think|believe|guess|suspect|suppose)|"
    r"it seems|seems? to|appears to|as far as i (?:know|can tell)|not (?:entirely |completely |fully |quite |too )?(?:sure|certain)|"
    r"could be|should be (?:about|around|roughly)|tends? to|(?<!(?:in|of|on|by|last|next|early|late|mid|\d) )may (?!\d)(?:\w+))\b"
)
FIRST_PERSON = regex.compile(r"(?<![\w.])I(?:['’](?:m|d|ll|ve))?(?![\w.]|\s?[-/&])|\b(?:[Mm]e|[Mm]y|[Mm]ine|[Mm]yself)\b")
QUOTED = regex.compile(r"\"[^\"\n]*\"|“[^”\n]*”")
NAMES = {"captain": r"\bcaptain\b|\bcap'n\b|\bskipper\b", "boss": r"\bboss\b|\bchief\b"}
VOCATIVE = regex.compile(r"\bmy friend\b|\bbuddy\b|\b(?:dear|sir|madam|ma'am|mate|pal)(?=[,.!?])")
EXCLAMATION = regex.compile(r"!(?!=)")


@checker("emoji_some")
def emoji_some(answer: Answer) -> float:
    return 1.0 if answer.emoji else 0.0


@checker("emoji_none")
def emoji_none(answer: Answer) -> float:
    return 0.0 if answer.emoji else 1.0


@checker("exclamation_some")
def exclamation_some(answer: Answer) -> float:
    return 1.0 if EXCLAMATION.search(answer.visible) else 0.0


@checker("exclamation_none")
def exclamation_none(answer: Answer) -> float:
    return 0.0 if EXCLAMATION.search(answer.visible) else 1.0


@checker("contractions_used")
def contractions_used(answer: Answer) -> float:
    """The share of contracted forms among the places where a contraction is usual (`it's` against `it is`); 0 where there is none."""
    short = len(CONTRACTION.findall(answer.lower))
    return short / (short + len(FULL_FORM.findall(answer.lower))) if short else 0.0


@checker("contractions_none")
def contractions_none(answer: Answer) -> float:
    return 0.0 if CONTRACTION.search(answer.lower) else 1.0


@checker("encouraging")
def encouraging(answer: Answer) -> float:
    """1 if the answer cheers the reader on (`You can do this.`, `Good luck`)."""
    return 1.0 if ENCOURAGEMENT.search(answer.lower) else 0.0


@checker("matter_of_fact")
def matter_of_fact(answer: Answer) -> float:
    return 0.0 if ENCOURAGEMENT.search(answer.lower) else 1.0


@checker("hedged")
def hedged(answer: Answer) -> float:
    """1 if the answer owns to being uncertain somewhere (`probably`, `it may vary`, `I think`)."""
    return 1.0 if HEDGE.search(answer.lower) else 0.0


@checker("unhedged")
def unhedged(answer: Answer) -> float:
    return 0.0 if HEDGE.search(answer.lower) else 1.0


@checker("first_person")
def first_person(answer: Answer) -> float:
    """1 if the answerer speaks of itself (`I`, `my`), quoted text aside."""
    return 1.0 if FIRST_PERSON.search(QUOTED.sub(" ", answer.visible)) else 0.0


@checker("impersonal")
def impersonal(answer: Answer) -> float:
    return 1.0 - first_person(answer)


@checker("addressed_as")
def addressed_as(answer: Answer, *, name: str) -> float:
    """1 if the answer calls the reader by `name` (one of NAMES) and by no other of them."""
    called = {known for known, pattern in NAMES.items() if regex.search(pattern, answer.lower)}
    return 1.0 if called == {name} else 0.0


@checker("not_addressed")
def not_addressed(answer: Answer) -> float:
    """1 if the answer calls the reader nothing: none of NAMES, no `my friend`, no `sir`."""
    return 0.0 if VOCATIVE.search(answer.lower) or any(regex.search(pattern, answer.lower) for pattern in NAMES.values()) else 1.0
