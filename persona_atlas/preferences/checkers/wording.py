"""Checkers for wording: emoji, exclamation marks, contractions."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

_THING = r"(?:every|some|any|no)thing"
_PERSON = r"(?:(?:every|some|any|no)(?:body|one)|no one)"
_QUESTION = r"(?:where|how|when|why)"
_ADVERB = r"(?:already|still|just|now|too|so|very|always|also|really|quite|almost|nearly|probably|usually|often)"
_STATE = (
    r"(?:ready|done|gone|been|full|empty|open|wrong|cold|hot|warm|cool|dry|wet|dark|late|early|cheap|expensive|free|clear|easy|hard|soft|busy|thick|"
    r"thin|broken|stuck|loose|nice|sure|better|worse|important|different|possible|likely|available|tired|happy|welcome|sold out|over|up|off|out|on|"
    r"going|coming|getting|looking|trying|missing|waiting|starting|boiling|burning|falling|melting|leaking|boarding|"
    r"(?!hatred|hundred|sacred)\w{3,}(?<!e)ed)"
)
_NEW_CLAUSE = r"(?:and|but|so|or)\s(?:the|an?|i|it|you|they|we|he|she|your|my|then|not|don't|do)\b"
_NO_NOUN_AFTER = (
    rf"(?=\s*(?:[.;:!?)]|$)|,\s(?:and|but|so|the|an?|it|you|they|we|he|she|your|my|then|which|don't|do)\b|\s{_NEW_CLAUSE}|"
    r"\s(?:when|if|because|since|for|in|on|at|to|by|with|from|until|as|that|than|once|after|before|while|now|again|enough|all|too|already|home)\b)"
)
# A possessive 's is followed by a noun. So before words after which no noun can come, 's is short for "is" or "has".
_NOUN_IS = (
    rf"\w+'s (?:(?:an?|the|my|your|our|their|that|not|here|there|been|getting|got to|going to)\b(?!-)|(?:{_ADVERB} )?{_STATE}\b{_NO_NOUN_AFTER}|"
    rf"to (?:be|do|get|go|have|keep|let|make|start|stop|take|use)\b)|"
    rf"{_THING}'s (?!own\b)\w+|{_PERSON}'s (?:at|in|on|welcome|perfect|happy|home(?=[.,;!?]| (?:on|when|if|today|tonight)\b))|{_PERSON}'d"
)
CONTRACTION = regex.compile(
    rf"\b(?:\w+n't|\w+'(?:ll|ve|re)|i'm|(?:i|you|we|they|he|she|it|that|this|there|who|what|these|those|{_QUESTION})'d|"
    rf"(?:you|we|they|he|she|it|that|this|there|who|what|let|here|{_QUESTION})'s|y'all|c'mon|{_NOUN_IS})\b|(?<!\w)'t(?:is|was)\b"
)
_VERB_AFTER_HAVE = (
    r"(?=(?: (?:not|never|already|also|just|now))? (?:\w+ed|been|had|got|done|made|seen|found|taken|given|gone|written|read|chosen|become|kept|"
    r"put|set|paid)\b)"
)
FULL_FORM = regex.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|would|should|could|will) not|cannot|can not|"
    r"(?:it|that|there|here|what|who) is(?! *(?:[.,;:!?)]|$))|"
    rf"(?:you|we|they) (?:are|will)|i (?:am|will)|(?:i|you|we|they) have{_VERB_AFTER_HAVE}|it will|let us(?! know))\b"
)
_CODE_SPAN = regex.compile(r"(?<!`)(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")
_NUMBER_BEFORE = r"(?:\b[a-z]|[\da-z]\)|\b\d+)"
_FACTORIAL = (
    rf"(?<={_NUMBER_BEFORE})!(?=\s?[=+*/×·÷<>^,]|-\d|\s(?:is|are|has|by|and|or|to|grows|ways|equals|permutations|orders?)\b)|"
    r"(?<=[/·×*÷]\s?\d+)!"
)
_PREFIX = r"(?<!\S)!\w"
EXCLAMATION = regex.compile(rf"(?!{_FACTORIAL}|{_PREFIX})[!！‼⁉](?!=)|¡")


@checker("emoji_some")
def emoji_some(answer: Answer) -> float:
    return 1.0 if answer.emoji else 0.0


@checker("emoji_none")
def emoji_none(answer: Answer) -> float:
    return 0.0 if answer.emoji else 1.0


@checker("exclamation_some")
def exclamation_some(answer: Answer) -> float:
    """1 if the answer has an exclamation mark. A `!` in code (blocks and inline) or for a factorial does not count."""
    prose = Answer(_CODE_SPAN.sub("code", answer.text)) if "`" in answer.text else answer
    return 1.0 if EXCLAMATION.search(prose.visible) else 0.0


@checker("exclamation_none")
def exclamation_none(answer: Answer) -> float:
    return 1.0 - exclamation_some(answer)


@checker("contractions_used")
def contractions_used(answer: Answer) -> float:
    """The share of the contractions among all places where one is usual (`it's` against `it is`); 0 if there are none."""
    short = len(CONTRACTION.findall(answer.lower))
    return short / (short + len(FULL_FORM.findall(answer.lower))) if short else 0.0


@checker("contractions_none")
def contractions_none(answer: Answer) -> float:
    return 0.0 if CONTRACTION.search(answer.lower) else 1.0
