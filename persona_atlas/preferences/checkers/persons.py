"""Checkers for who speaks and how the reader is addressed. Quotations and drafts of letters count as somebody else's words."""

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

_IN_CURLY = r"“(?:[^“”\n]*+“){0,2}[^“”\n]*+”|«(?:[^«»\n]*+«){0,2}[^«»\n]*+»"  # a run of opening quotes is read once, not from each of them
_QUOTED = rf"(?<!\d)\"[^\"\n]*\"|{_IN_CURLY}|‘[^‘\n]*’(?!\w)|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w))+'(?!\w)"
SALUTATION = regex.compile(
    r"(?im)^(?:subject:[^\n]*\n)?(?:dear (?!captain|cap|skipper|boss|chief|friend|reader|user)[^\n,:]{2,40}[,:]|"
    r"(?P<casual>(?:hi|hello|hey) (?!(?-i:\p{Ll})|captain|boss|chief|friend|professor)[^\n,:!?]{2,40},$))"
)
SIGNED = regex.compile(r"(?im)^(?:(?:best|kind|warm|many)? ?(?:regards|wishes|thanks)|yours|sincerely|best|love)\b[^\n]*(?:\n[^\n]{1,30}$)?")
SIGNED_CASUALLY = regex.compile(
    r"(?im)^(?:(?:best|kind|kindest|warm|warmest|many)? ?(?:regards|wishes|thanks)|thank you|yours(?: \w+)?|sincerely|best|love|cheers|all the best|"
    r"take care)(?:[,!.–—-]+ ?[^\n.!?]{0,30})?$(?:\n[^\n.!?:]{1,30}$)?"
)
"""A line with nothing but a closing formula and a name. A greeting to a name may also be the answerer's own, and `Thanks for asking!` is no end."""
SAID_BY_OTHERS = regex.compile(rf"(?ims){_QUOTED}|\bask yourself[^.?!\n]{{0,300}}[.?!]")
BLOCK_QUOTE = regex.compile(r"(?m)^ {0,3}>.*$")

_NUMBERED = (
    r"(?:war|phase|type|part|chapter|act|book|volume|stage|class|level|grade|title|article|section|figure|table|unit|appendix|schedule|group|"
    r"category|tier|division|step|option|variant|version|model|mark|line|zone|letter|pronoun|word|current|charles|james|george|henry|elizabeth|"
    r"francis|napoleon|nicholas|peter|alexander|william|wilhelm|frederick|ferdinand|philip|louis|leopold|catherine|paul|pius|otto|mehmed|ramses|"
    r"darius|xerxes|theodosius|justinian|constantine|richard|edward|mary|joseph|pedro)"
)
_ADVISE = r"(?:recommend|suggest|agree|think|advise|prefer)"
_NO_PRONOUN = r"[\w.)]|\s?[-/&=]|,? (?:and |or |to )?II|, ?[VX]+\b|(?<=^I)$"
FIRST_PERSON = regex.compile(
    rf"(?m)(?:(?<!(?i:\b{_NUMBERED}) )|(?=I(?:['’]| {_ADVISE}\b)))(?<![\w.]|[*/+=×·] )I(?:['’](?:m|d|ll|ve))?(?!{_NO_PRONOUN})|\b[Mm]yself\b|"
    r"\b(?<!(?:About|Read|Near) )[Mm]e\b|\b(?:my|My(?! [A-Z]))\b(?! (?:friend|dear)\b)|\b(?:is|was|are|were|be|of|than|like|not) mine\b|"
    r"(?<!the )\b[Mm]ine (?:is|was|are|were|would)\b"
)

NAMES = {"captain": r"captain|cap'n|skipper", "boss": r"boss|chief"}
_OTHER_NAMES = (
    r"(?:my |dear )?(?:friend|lord|love(?!,? (?:and|or)\b))|my dear|dear(?:ie| reader)?|buddy|sir|madam|ma'am|mate|pal|bro|dude|doctor|doc|"
    r"professor|champ|honey|darling|sweetheart|kiddo|folks|lad|lass|comrade|amigo|sailor|mister|miss|your (?:majesty|honou?r|highness|excellency)"
)
_CALL = (
    r"(?:aye(?: aye)?|yes|no|hi|hello|hey|ahoy|sure|ok|okay|right|alright|thanks|thank you|sorry|listen|well|welcome|of course|"
    r"good (?:morning|afternoon|evening|day)|dear|hello there|hi there|there you go|here you go)"
)


def own_words(answer: Answer) -> str:
    """The visible text without what it quotes: words in quotation marks, block quotes, and letters from salutation to signature."""
    text = Answer(BLOCK_QUOTE.sub("", answer.text)).visible if BLOCK_QUOTE.search(answer.text) else answer.visible
    return SAID_BY_OTHERS.sub(" ", _without_letters(text))


def _without_letters(text: str) -> str:
    """The text without letters. One that begins with `Dear …` but is not signed loses its first line, and one that begins with `Hi …` nothing.

    Each kind of signature is searched at most once beyond the last letter, so that thousands of salutations are read in bounded time.
    """
    parts: list[str] = []
    kept, unsigned = 0, set[str]()
    for salutation in SALUTATION.finditer(text):
        kind = "casual" if salutation["casual"] else "formal"
        if salutation.start() < kept:
            continue
        signed = None if kind in unsigned else (SIGNED_CASUALLY if kind == "casual" else SIGNED).search(text, salutation.end())
        if signed is None:
            unsigned.add(kind)
        if signed or kind == "formal":
            line_end = text.find("\n", salutation.end())
            parts += [text[kept : salutation.start()], " "]
            kept = signed.end() if signed else line_end if line_end >= 0 else len(text)
    return "".join([*parts, text[kept:]])


def _calls(names: str, text: str) -> bool:
    """Whether `text` addresses the reader by one of `names` (a pattern of alternatives): set off by commas, or after a greeting."""
    opening = rf"(?:(?m:^)|[.!?…:;–—] +)(?:{_CALL},? )?(?:{names})(?=[,!:]| (?:or|and) \w+,)|(?:(?m:^)|[.!?] +)(?:\w+ (?:or|and) )(?:{names}),"
    inside = rf",\s(?:dear |my )?(?:{names})(?=\s*(?:[.!?;:)…–—]|\p{{Emoji_Presentation}}|(?m:$)|,(?! or\b)))|\b{_CALL} (?:{names})(?=[,.!?])"
    return bool(regex.search(f"{opening}|{inside}", text))


@checker("first_person")
def first_person(answer: Answer) -> float:
    """1 if the answer uses the first person (`I`, `my`), outside quotations."""
    return 1.0 if FIRST_PERSON.search(own_words(answer)) else 0.0


@checker("impersonal")
def impersonal(answer: Answer) -> float:
    return 1.0 - first_person(answer)


def _spoken(answer: Answer) -> str:
    return own_words(answer).lower().replace("’", "'")


def _called(answer: Answer) -> set[str]:
    """The keys of NAMES by which the answer calls the reader, and `other` for any other form of address."""
    text = _spoken(answer)
    return {name for name, words in {**NAMES, "other": _OTHER_NAMES}.items() if _calls(words, text)}


@checker("addressed_as")
def addressed_as(answer: Answer, *, name: str) -> float:
    """1 if the answer calls the reader by `name`. If `name` is in NAMES, no other of NAMES may occur; if not, no other form of address at all."""
    called = _called(answer)
    if name in NAMES:
        return 1.0 if called - {"other"} == {name} else 0.0
    text = _spoken(answer)
    alone = called <= {"other"} and not _calls(rf"(?!{name}\b)(?:{_OTHER_NAMES})", text)
    return 1.0 if alone and _calls(name, text) else 0.0


@checker("not_addressed")
def not_addressed(answer: Answer) -> float:
    """1 if the answer does not call the reader anything: none of NAMES, no `my friend`, no `sir`."""
    return 0.0 if _called(answer) else 1.0
