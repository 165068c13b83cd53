"""Checkers for spelling, units of measurement, and the way units, dates and money are written.

Units, dates and the names that keep their spelling are matched case-sensitively (5 g is a weight and 5G a network, 3 May is a date and
"2 and 3 may" is none). Everything else is matched in lower case.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

_FIGURE = r"(?:\.?\d[\d,]*(?:\.\d+)?[½¼¾⅓⅔⅛]?|[½¼¾⅓⅔⅛])"
_ALONE = r"(?<![\w.,\p{Sc}])"
ONE_TO_TWELVE = r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_SPELLED = (
    rf"\b(?:{ONE_TO_TWELVE}|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|"
    r"dozen|hundred|thousand|million|billion|and a half)"
)

_COST = (
    r"(?:\b(?:costs?|pric(?:e[sd]?|ing)|pay|pays|paid|payments?|fees?|fares?|charges?|charged|tickets?|rents?|spend|spent|saved?|savings?|"
    r"earn(?:s|ed)?|worth|budget|deposits?|tax|bills?|cheap(?:er|est)?|expensive|wages?|salary|discounts?|loan|entry|money|pence)\b|£)"
)
_WEIGHT = r"(?:\b(?:weigh(?:s|ed|ing|t|ts)?|heav\w+|lighter|loads?|lift\w*|los(?:e|es|ing|t)|gain\w*|dollars?|euros?)\b|[$€])"
_PAID = (
    r"[\s-](?:sterling|notes?|coins?|fines?|fees?|deposit|cheaper|in (?:cash|change|coins)|(?:per|a|each) (?:night|ticket|seat)|and \d+ pence|"
    r"(?:is|was) the (?:price|fare|fee|rent))\b"
)
# Pounds are money before a word such as "note" or "per night", or after a word about cost with none about weight in between.
_STERLING = rf"pounds?\b(?:(?={_PAID})|(?! of\b)(?<={_COST}(?:(?!{_WEIGHT})(?s:.)){{0,150}}))"

_DEGREE = r"(?:[°º˚]\s?|deg\.?\s)"
_METRIC_SYMBOLS = (
    rf"(?i:km/h|kmh|kph|mc?g|[µμ][gm]|dl|kg|km|cm|mm|ml|cl|[hk]pa|{_DEGREE}c|℃)[²³23]?|(?i:kg|km|cm|mm|ml|cl)s|"
    r"nm|m/s|m[²³23]?|sqm|sq\.? (?:m|km|cm)|ha|gr?|t(?= of\b)|[lL](?!-)|(?<!\n)C(?!['’-])"
)
_METRIC_NAMES = (
    r"(?:kilo|milli|micro)?gram(?:me)?s?|kilos?|tonnes?|metric tons?|(?:milli|centi|deci)?lit(?:er|re)s?|hectares?|"
    r"(?:degrees? )?(?:celsius|centigrade)|degrees? c|(?:square |cubic )?(?:milli|centi|kilo)?met(?:er|re)s?(?: (?:per|an) (?:hour|second))?"
)
_MEASURED = r"apart|long|wide|deep|high|tall|thick|across|square|(?:in )?diameter|of|from|above|below|between|off"
_PROSE_INCH = rf"(?<!\n)in(?=\.?\s(?:{_MEASURED})\b|\.?\s?(?:[x×]|by|and|or|to)\s?\d|\.?(?:[,;:)\n]|\s*$|\.\s))"
_NOUN_INCH = rf"(?<=\d-)in(?!-)|(?<=\ban? {_FIGURE}\s)in(?=\s\p{{L}})"
_QUOTED = r"(?<!\d)[\"“]\w[^\"”\n]{0,80}"
INCH_SIGN = rf"{_PROSE_INCH}|{_NOUN_INCH}|(?<!{_QUOTED})[\"″”]"
_FOOT = r"['’′]\s?\d{1,2}[\"″”]|′|['’](?=\s?[x×])|(?i:ft)[²³]?"
_SQUARE_FOOT = r"(?:sq|cu)\.? (?:ft|feet|in|inch(?:es)?|mi|miles?|yd|yards?)"
_IMPERIAL_SYMBOLS = rf"(?i:fl\.? oz|oz|lbs?|qt|gal|yds?|mi|mph|psi|{_DEGREE}f|℉|{_SQUARE_FOOT})|(?<!\n)F(?!['’-])|{INCH_SIGN}|{_FOOT}"
_FEET = r"(?<!\b(?:on|your|with) (?:one|two) )f(?:ee|oo)t(?! (?:flat|forward|firmly|first|in front of the other)\b)"
_IMPERIAL_NAMES = (
    rf"(?:fluid )?ounces?|(?!{_STERLING})pounds?|quarts?|gallons?|acres?|(?:short |long )?tons?|(?:degrees? )?fahrenheit|degrees? f|"
    rf"(?:square |cubic |nautical )?(?:inch(?:es)?|{_FEET}|yards?|miles?)(?: (?:per|an) hour)?"
)
# A cup or pint is a measure before "of" (but not "of coffee" or "of tea"), and after a figure unless plates, glasses and the like are counted beside
# it. Else it may be one to drink from.
_WARE = r"(?:\p{L}+ )?(?:plates?|saucers?|mugs?|bowls?|glass(?:es)?|forks?|knives|teapots?|jugs?|pitchers?)\b(?! of\b)"
_COUNTED_WARE = rf"(?:{_FIGURE}|(?i:an?|no|{_SPELLED}))[\s-](?i:{_WARE})"
_JOINED = r"(?:,? (?:and|or|with|plus)|,| &) "
_SET_TABLE = (
    rf"(?={_JOINED}{_COUNTED_WARE})|(?<={_COUNTED_WARE}{_JOINED}{_FIGURE}[\s-]\w+)(?! of\b)(?=[^\w\s]|$|\n| (?:and|or|for|per|each|in|on|from|to)\b)"
)
_CUPS = rf"(?:cups?|pints?)(?:(?<!\p{{L}}[\s-]\w+)(?!{_SET_TABLE})|(?= of (?!coffee|tea)))"
# Units that are neither metric nor imperial. Some count as symbols only: people rarely abbreviate calories (kcal), and rarely spell out tbsp.
_OTHER_SYMBOLS = r"(?:k?W|k?V|m?A)(?<!\n.)(?!['’-]| levels?\b)|k?Wh|mAh|[kMG]?Hz|dB|kcal|kJ|[kMGT]B|Mbps|tsp|tbsp|°"
_OTHER_NAMES = (
    r"(?:kilo)?watts?(?:[- ]hours?)?|volts?|amp(?:ere)?s?|(?:kilo|mega|giga)?hertz|decibels?|(?:kilo|mega|giga|tera)bytes?|(?<=\d[\s-])degrees?"
)
_END = r"(?=[x×]\d|×\s\d|[^\w°]|$)"
_LABEL = r"(?<!\b(?i:class|floor|gate|grade|group|hall|platform|room|seat|section|terminal|vitamin) )"
_AMOUNT = rf"(?<!\d\s?h\s?)(?:{_LABEL}{_ALONE}|(?<=\d\s?[x×]\s?)){_FIGURE}[\s-]?"


def _quantity(symbols: str = "(?!)", names: str = "(?!)", more_numbers: str = "(?!)") -> regex.Pattern[str]:
    return regex.compile(rf"{_AMOUNT}(?:{symbols}){_END}|(?:{_AMOUNT}|(?i:{_SPELLED}|{more_numbers})[\s-])(?i:{names}){_END}")


_HALF = r"\bhalf(?: an?)?"
METRIC = _quantity(_METRIC_SYMBOLS, _METRIC_NAMES, _HALF)
IMPERIAL = _quantity(_IMPERIAL_SYMBOLS, f"{_IMPERIAL_NAMES}|{_CUPS}", _HALF)
UNIT_SYMBOLS = _quantity(symbols=f"{_METRIC_SYMBOLS}|{_IMPERIAL_SYMBOLS}|{_OTHER_SYMBOLS}")
UNIT_WORDS = _quantity(names=f"{_METRIC_NAMES}|{_IMPERIAL_NAMES}|{_OTHER_NAMES}")

CODES = r"(?:usd|eur|gbp|chf|cad|aud|nzd|jpy|cny|inr|sek|nok|dkk|pln|czk|huf|brl|mxn|zar|sgd|hkd|krw|aed)"
_CODING = r"\b(?:shell|bash|scripts?|awk|sed|regex\w*|arguments?|parameters?|functions?|variables?|placeholders?|quer(?:y|ies)|capture)\b"
_PARAMETER = rf"(?<!\b(?:costs?|pays?|paid|only|price:?) )\$\d\b(?![.,]\d)(?:(?<={_CODING}(?s:.){{0,150}})|(?=(?s:.){{0,80}}{_CODING}))"
_NATION = r"(?:(?:us|american|canadian|australian|new zealand|hong kong|singapore|swiss|british) )?"
_COINS = rf"(?:dollars?(?! signs?\b)|euros?|bucks|quid|francs?|yen|yuan|rupees?|pesos?|krone[rn]?|kron(?:or|a)|zloty|{_STERLING})\b"
_COUNTED = rf"(?:{_ALONE}{_FIGURE}|(?<!\p{{Sc}}\s?[\d.,]+\s){_SPELLED})[\s-]"
MONEY = {
    "symbol": regex.compile(rf"(?!{_PARAMETER})\p{{Sc}}\s?{_FIGURE}|{_ALONE}{_FIGURE}\s?\p{{Sc}}(?!\w)"),
    "code": regex.compile(rf"\b{CODES}\s?\p{{Sc}}?{_FIGURE}|(?<![\w.,]){_FIGURE}\s?{CODES}\b"),
    "words": regex.compile(rf"{_COUNTED}{_NATION}{_COINS}"),
}
SMALL_CHANGE = regex.compile(rf"(?<!\bmy ){_COUNTED}(?:cents?|pence|pennies)\b")
AMOUNT = regex.compile("|".join(pattern.pattern for pattern in (*MONEY.values(), SMALL_CHANGE)))

_MONTH = (
    r"(?:(?i:jan(?:uary)?|feb(?:ruary)?|apr(?:il)?|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)|"
    r"Mar(?:ch)?|MAR(?:CH)?|May|MAY)\b\.?"
)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_ORDINAL = (
    r"(?<!\b[Aa] )(?i:(?:twenty-|thirty-)?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|"
    r"tenth|eleventh|twelfth|\w+teenth|twentieth|thirtieth)"
)
_NO_DAY = (
    rf"(?!\w|[:%°]|\.\d|,\d{{3}}|-\p{{L}}|\s?(?:[ap]\.?m\b|%|°|(?:{_METRIC_SYMBOLS}){_END})|"
    rf"\s(?:{_METRIC_NAMES}|{_IMPERIAL_NAMES}|people|men|women|children|guests|students|visitors|days|weeks|hours|minutes|times|percent|"
    r"dollars|euros|million|thousand|hundred|years)\b)"
)
_NO_VERB = r"(?! (?:Be|Have|Need|Not|Take)\b)"
DATES = {
    "month_day": regex.compile(rf"\b{_MONTH}[^\S\n](?:the )?{_DAY}{_NO_DAY}"),
    "day_month": regex.compile(rf"(?:(?<![\w.:,]){_DAY}(?:-|(?: of)?[^\S\n])|\b{_ORDINAL} (?:day )?of ){_MONTH}{_NO_VERB}"),
    "iso": regex.compile(r"(?<!\d)[12]\d{3}[-‐‑](?:0[1-9]|1[0-2])[-‐‑](?:0[1-9]|[12]\d|3[01])(?!\d)"),
}

WORD = regex.compile(r"\p{L}+")
_NAMED = (
    r"(?<=\b\p{Lu}\w+ )(?:Harbou?r|Cent(?:er|re)|Theat(?:er|re)|Labou?r|Organi[sz]ation|Gr[ae]y)\b|\bLabou?r (?:Party|Day)\b|"
    r"(?<=\b401 )Unauthori[sz]ed\b"
)
# Names keep their spelling whoever writes them, and a measuring device is a "meter" in British spelling, too.
FIXED = regex.compile(rf"{_NAMED}|\b(?i:(?:parking|gas|electricity|water|taxi|smart|light) meters?)\b")


@lru_cache(maxsize=1)
def spelling_pairs() -> dict[str, str]:
    """Map American to British spellings, in lower case: the words that differ and are not ambiguous."""
    import yaml

    text = files("persona_atlas.preferences").joinpath("spelling_pairs.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["pairs"])


@lru_cache(maxsize=1)
def _spellings() -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(spelling_pairs()), frozenset(spelling_pairs().values())


@lru_cache(maxsize=256)
def count(pattern: regex.Pattern[str], text: str) -> int:
    """How often the pattern occurs in the text. Results are cached, because every value of a dimension asks for them."""
    return len(pattern.findall(text))


def share(wanted: int, other: int) -> float:
    """The share of `wanted` in the sum of both counts; 0 if both are 0."""
    return wanted / (wanted + other) if wanted else 0.0


@checker("spelling")
def spelling(answer: Answer, *, variant: str) -> float:
    """The share of the words spelled differently in Britain and America that are in `variant` (`british` or `american`); 0 if there are none."""
    text = FIXED.sub(" ", answer.visible).lower()
    words = WORD.findall(text)
    american, british = (sum(word in spellings for word in words) for spellings in _spellings())
    return share(british, american) if variant == "british" else share(american, british)


@checker("units")
def units(answer: Answer, *, system: str) -> float:
    """The share of the quantities with a metric or imperial unit that are in `system` (`metric` or `imperial`); 0 if there are none."""
    metric, imperial = count(METRIC, answer.visible), count(IMPERIAL, answer.visible)
    return share(metric, imperial) if system == "metric" else share(imperial, metric)


@checker("unit_names")
def unit_names(answer: Answer, *, form: str) -> float:
    """The share of the quantities with a unit that are written in `form` (`symbols`: 400 g, `words`: 400 grams); 0 if there are none."""
    symbols, words = count(UNIT_SYMBOLS, answer.visible), count(UNIT_WORDS, answer.visible)
    return share(symbols, words) if form == "symbols" else share(words, symbols)


@checker("currency")
def currency(answer: Answer, *, form: str) -> float:
    """The share of the amounts of money that are written in `form` (`symbol`: $5, `code`: USD 5, `words`: 5 dollars); 0 if there are none.

    Amounts such as `50 cents` count as `words` only if no amount has a symbol or code: beside $5, everybody writes cents like that.
    """
    counts = _counts(MONEY, answer.lower)
    if not counts["symbol"] + counts["code"]:
        counts["words"] += count(SMALL_CHANGE, answer.lower)
    return _form_share(counts, form)


@checker("dates")
def dates(answer: Answer, *, form: str) -> float:
    """The share of the dates that are written in `form` (`month_day`: May 3, `day_month`: 3 May, `iso`: 2027-05-03); 0 if there are none."""
    return _form_share(_counts(DATES, answer.visible), form)


def _counts(forms: Mapping[str, regex.Pattern[str]], text: str) -> dict[str, int]:
    return {name: count(pattern, text) for name, pattern in forms.items()}


def _form_share(counts: Mapping[str, int], form: str) -> float:
    return share(counts[form], sum(counts.values()) - counts[form])
