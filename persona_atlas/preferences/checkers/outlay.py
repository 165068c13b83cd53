"""Checkers for what something takes: money (what it costs) and time (how long the whole takes)."""

from collections.abc import Iterator
from functools import lru_cache

import regex

from persona_atlas.answer import SENTENCE_END, Answer
from persona_atlas.preferences.registry import checker

_COUNT = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-\w+)?|"
    r"(?:a )?(?:few|couple(?: of)?|dozen)|several|(?:a |one |few |several |two |three |five ){0,2}(?:hundred|thousand))"
)

_FIGURE = r"\d[\d,.]{0,15}"  # no figure is longer, and without a limit a run of a thousand digits and commas takes seconds to match
_CODE = r"(?:usd|eur|gbp|chf|cad|aud|nzd|jpy|sek|nok|dkk|inr|cny|pln|mxn|brl|zar|kr)"
_CURRENCY = r"(?:dollars?|euros?|bucks|cents?|pence|quid|pounds?(?! of\b)|yen|francs?|kron(?:or|er|a)|rupees?|yuan|pesos?|rand|z[lł]oty|won)"
_SUM = (
    rf"(?:[$€£¥₹]\s?{_FIGURE}|{_FIGURE}\s?[$€£¥₹]|\b{_CODE}\s?{_FIGURE}|\b{_FIGURE}\s?{_CODE}\b|"
    rf"\b(?:{_FIGURE}|{_COUNT}|an?)[\s-](?:more |us |hundred |thousand )*{_CURRENCY}\b)"
)
_ABOUT = (
    r"(?:(?:about|around|roughly|approximately|only|just|under|over|less than|more than|up to|at least|as little as|nearly|almost|maybe|well) ){0,3}"
)
_COSTING = (
    r"\b(?:costs?|costing|pric(?:e|es|ed|ey|ing)|(?<!(?:take-home|gross|net|your|monthly|hourly) )pay(?:s|ing|ment|"
    r"ments)?(?! (?:slip|rise|raise|day))|paid|spen(?:d|ds|ding|t)|fees?|charg(?:e|es|ed|ing)|buy(?:s|ing)?|bought|purchas\w+|rent(?:s|al|ing)?|"
    r"hire|leas\w+|fares?|tolls?|tickets?|postage|admission|entrance|tuition|subscription|invoice|(?<!dollar )bills?|expenses?|afford|"
    r"set(?:s|ting)? (?:you|one|me|us) back|com(?:e|es|ing) to|run(?:s)? you|shell out|interest on)\b"
)
_EXCHANGED = (
    rf"(?<!\b(?:ask|asking|check|cheque|loan|credit|refund|claim|save|saving|raise)\b[^.]{{0,12}})\bfor {_ABOUT}{_SUM}|\bbudget {_ABOUT}{_SUM}|"
    rf"{_SUM} (?:each(?! (?:day|week|month|year)\b)|apiece|a (?:piece|pop|head|night|ticket|bag|bottle|box|pair|seat)|"
    rf"per (?:person|head|night|ticket|seat|item|piece))\b"
)
_GRATIS = (
    r"\b(?:free of (?:charge|cost)|(?:at|with) no (?:extra |additional )?(?:cost|charge)|for free(?!-)|costs? (?:you )?nothing|"
    r"(?:doesn't|does not|won't|will not) cost (?:you )?(?:anything|a thing|a (?:cent|penny))|no charge|without charge)\b|"
    r"\b(?:entry|entrance|admission|parking|delivery|shipping|service|app|course|card|version|tool|copy|membership|visit)s? (?:is|"
    r"are) (?:completely |entirely )?free\b|(?<!\b(?:if|until|once|when) )\bit(?:'s| is) (?:completely |entirely |totally )?free(?=[,.;!)]|$|"
    r" (?:for|to (?:use|join|enter|borrow|download|visit))\b)"
)
_PRICED = (
    rf"\b(?:runs?|goes for|sells? for|retails? (?:at|for)) {_ABOUT}{_SUM}|"
    rf"(?:^|[,;:–—] )(?:an?|one|each|every) (?!(?:\w+ ){{0,2}}(?:shares?|hour|day|week|month|year|raise|wage|salary|bonus|gain|profit|loss|refund)\b)"
    rf"(?:[\w-]+ ){{1,3}}(?:is|are) {_ABOUT}{_SUM}"
)
"""`A bag is about $5.` An amount that is somebody's share, or a total, is what a question about money asks for, and no price."""
KEPT = regex.compile(
    rf"\b(?:salary|income|wages?|raise|savings?|saves?|earn(?:s|ing)?|move|transfer|invest|balance|interest|rents) (?:of |you |up |about |"
    rf"an? extra )*{_SUM}"
)
"""Money that is earned or kept: not a price, even beside a word about paying."""
PRICE = regex.compile(rf"{_EXCHANGED}|{_GRATIS}|{_PRICED}")
COSTING = regex.compile(_COSTING)
MONEY = regex.compile(_SUM)
COST_LABEL = regex.compile(r"(?:(?:the |total |estimated |approximate |expected )*(?:costs?|prices?|fees?|budget|expenses?)\b[^.]{0,30})")

_UNIT = r"(?:seconds|secs|minutes?|mins?|hours?|hrs?|h|days?|nights?|weeks?|months?|years?|mornings?|afternoons?|evenings?|weekends?|fortnights?)"
_RANGE = rf"(?:{_FIGURE}|{_COUNT})(?: ?(?:-|–|to|or|and) ?(?:{_FIGURE}|{_COUNT}))?"
_DURATION = (
    rf"(?:(?:{_RANGE}|an?|(?:an?|the|one|your) (?:whole|full|good|solid|entire|single)|half (?:an?|the)|all|the|(?:a|three) quarters? of an|"
    rf"(?:most|(?:the )?(?:better|best) part|a matter) of (?:an?|the)?)[\s-]?\b(?:full |whole |good |working |business |short |more )*{_UNIT}\b|"
    rf"a matter of \w+)(?!'s?)"
)
_HEDGE = (
    r"(?:(?:about|around|roughly|approximately|only|just|under|over|less than|more than|up to|at least|at most|no more than|nearly|almost|some|"
    r"between|anywhere|somewhere|from|a total of|perhaps|maybe|probably|well|barely|another|as little as|usually|normally|typically|you|me|us|"
    r"them|him|her|one|(?:most|many) people|an? (?:\w+ )?\w+er|beginners) ){0,4}"
)
_ONE_STEP = (
    r"(?! (?:before|after|ago|off|later|earlier|old|in advance|ahead|apart|beforehand|longer|more|less|from now|"
    r"(?:a|per|each|every) (?:day|week|month|night|time|page|coat|side)|daily|to (?:rise|rest|dry|cool|set|soak|chill|dry|harden))\b|s\b)"
)
_LASTING = rf"{_HEDGE}{_DURATION}{_ONE_STEP}"
_EVENT = (
    r"(?:drive|trip|ride|journey|flight|hike|walk|tour|crossing|course|class|exam|process|procedure|visit|film|play|show|workshop|treatment|"
    r"session|job|task|work|project|repair|recipe|fix|effort|read|(?:whole|entire) \w+)"
)
_WHOLE = rf"(?:you|it|this|that|everything|the (?:whole (?:\w+)?|entire \w+|{_EVENT}))"
_WILL = r"(?:(?:'ll|will|would|should|may|might|can|could) )?(?:also |only |probably |usually |just )?"
_STEP_BEFORE = (
    r"(?<!\b(?:each|every|one|this|first|second|third|last|next) (?:step|coat|layer|page|side|round|batch|item) )(?<!\b(?:step|coat|layer) )"
)
_MUST = r"(?<!\b(?:you|i|we|to) )\b(?:will|'ll|can|could|may|might|should|would|must|does) (?:\w+ly |only |just )?"
_EXPECTED = r"(?:\b(?:it|this|that|likely|going|bound|expected)|\bexpect (?:\w+ ){1,4}) ?to"
_TAKES = rf"(?:{_STEP_BEFORE}\btakes|{_MUST}take|'ll take|{_EXPECTED} take|\btaking) (?:up )?{_LASTING}"
_NEEDS = (
    rf"\b{_WHOLE}(?:'ll)? {_WILL}(?:needs?|wants?|requires?) {_LASTING}|\b(?:you|you'll|you will) (?:\w+ )?spend {_LASTING}|"
    rf"\b(?:job|work|project|task|visa|form|draft|process) (?:needs|requires) {_LASTING}"
)
_IS_DONE = r"(?:'re|'s| are| is|'ll be| will be|'ve| have) (?:all )?(?:done|ready|finished|through|over)\b"
_DONE_IN = (
    rf"(?<!\b(?:was|were) )\b(?:ready|done|finished|over|completed?|be through(?: the \w+)?|on the table|finish(?: \w+)?) (?:in|within) {_LASTING}|"
    rf"\b(?:in|within) {_LASTING},? (?:you|it|everything|all|the \w+){_IS_DONE}"
)
_JOB = (
    rf"(?:\b(?:is|are|be|makes?|'s) {_HEDGE}|^{_HEDGE})(?:an?|one) (?:{_RANGE}|half|whole)[\s-]{_UNIT}[\s-](?:long )?{_EVENT}\b|"
    rf"(?:\b(?:is|be|makes?|'s) |^)an? (?:\w+ )?(?:morning|afternoon|evening|weekend)(?:'s)? (?:{_EVENT}|chore|affair)\b|"
    rf"\b(?:an?|one|half an?) {_UNIT}'s? (?:work|job|walk|drive|ride)\b|\b{_RANGE} {_UNIT}' (?:work|walk|drive|ride)\b"
)
_BY = r"(?:by (?:car|bus|train|bike|foot|ferry|boat|plane|rail)|on foot|away|long)\b"
_LASTS = (
    rf"\b(?:is|'s) {_HEDGE}{_DURATION} {_BY}|\b{_EVENT} is {_LASTING}|"
    rf"\b{_EVENT}(?: \w+){{0,3}} (?:lasts|will last|runs|goes on) (?:for )?{_LASTING}"
)
_RESERVE = (
    r"(?:allow|set aside|plan(?: on| for| in)?|reckon with|reserve|block(?: out| off)?|budget|give yourself|count on|leave yourself|schedule|"
    r"expect(?: to (?:spend|need))?)"
)
_SET_ASIDE = rf"(?:^|[,;:–—] |\b(?:and|so|but|please|should|then|also|to) ){_RESERVE} {_LASTING}"
_IN_ALL = rf"{_DURATION} (?:in (?:total|all)|altogether|all told|all in all|(?:from )?start to finish|from \w+ to (?:oven|table|plate|finish|end))\b"
TIME = regex.compile("|".join((_TAKES, _NEEDS, _DONE_IN, _JOB, _LASTS, _SET_ASIDE, _IN_ALL)))
PRICE_TAG = regex.compile(rf"[^:.!?]{{1,60}}: ?(?:{MONEY.pattern})")
DURATION = regex.compile(rf"\b{_DURATION}")
TIME_LABEL = regex.compile(
    r"(?:(?:the |total |estimated |approximate |overall )*(?:(?:prep(?:aration)?|cooking|baking|working|travel|driving|reading|total|active|"
    r"overall|hands-on|processing) )?(?:time|duration)(?: \w+){0,2}|how long(?: \w+){0,4}|total|length)"
)


def _labelled(answer: Answer, label: regex.Pattern[str], amount: regex.Pattern[str]) -> bool:
    """Whether an amount follows a label: `Cost: $5`, in the next cell, or in the block or list under a heading or a label on its own."""
    under = False
    for block in answer.blocks:
        text = _plain(block.text)
        for sentence in SENTENCE_END.split(text):
            head, _, rest = sentence.partition(":")
            if label.fullmatch(head) and amount.search(rest):
                return True
        if under and amount.search(text):
            return True
        lone = block.words <= 5 and bool(label.fullmatch(text.rstrip(" :?")))
        under = lone or (under and block.kind in ("item", "cell"))
    return False


def _price_list(answer: Answer) -> bool:
    """Whether at least two list items are a name and an amount: `- Apples: $3`."""
    return sum(bool(PRICE_TAG.fullmatch(_plain(block.text).strip())) for block in answer.of_kind("item")) >= 2


def _sentences(answer: Answer) -> Iterator[str]:
    return map(_plain, answer.sentences)


@lru_cache(maxsize=4096)
def _prices(sentence: str) -> bool:
    """Whether the sentence says what something costs. Results are cached, because the answers to one task share most of their sentences."""
    spent = KEPT.sub(" ", sentence)
    return bool(PRICE.search(spent) or (COSTING.search(spent) and MONEY.search(spent)))


@lru_cache(maxsize=4096)
def _times(sentence: str) -> bool:
    """Whether the sentence says how long the whole takes. Results are cached, too."""
    return bool(TIME.search(sentence))


def _plain(text: str) -> str:
    return text.lower().replace("’", "'")


@checker("names_cost")
def names_cost(answer: Answer) -> float:
    """1 if the answer says what something costs: an amount with a word about paying, after a label or in a price list, or that it is free."""
    return float(any(map(_prices, _sentences(answer))) or _labelled(answer, COST_LABEL, MONEY) or _price_list(answer))


@checker("no_cost")
def no_cost(answer: Answer) -> float:
    return 1.0 - names_cost(answer)


@checker("names_time")
def names_time(answer: Answer) -> float:
    """1 if the answer says how long the whole takes (`Time needed: about 25 minutes`, `It takes an hour`), and not only how long a step takes."""
    bare = bool(DURATION.fullmatch(_plain(answer.visible).strip(" .!\n")))
    return float(bare or any(map(_times, _sentences(answer))) or _labelled(answer, TIME_LABEL, DURATION))


@checker("no_time")
def no_time(answer: Answer) -> float:
    return 1.0 - names_time(answer)
