"""Checkers for spelling, units of measurement, and the way units, times of day, dates and money are written."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

_NUMBER = r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:\s?[-–]\s?\d[\d,]*(?:\.\d+)?)?[\s-]?"
_END = r"(?![\w°])"
_METRIC_SYMBOLS = r"km/h|kph|kg|mg|g|ml|cl|dl|l|mm|cm|km|m²|m|°\s?c"
_METRIC_NAMES = (
    r"kilograms?|kilos?|grams?|milligrams?|millilit(?:er|re)s?|lit(?:er|re)s?|(?:milli|centi|kilo)?met(?:er|re)s? per hour|"
    r"(?:milli|centi|kilo)?met(?:er|re)s?|degrees? c(?:elsius)?|celsius|square met(?:er|re)s?"
)
_IMPERIAL_SYMBOLS = r"fl\.? oz|oz|lbs?|qt|gal|ft|mi|mph|°\s?f|sq\.? ft|[\"″”](?=[\s,.;:)×x]|$)"
_IMPERIAL_NAMES = (
    r"ounces?|fluid ounces?|pounds?|quarts?|gallons?|inch(?:es)?|feet|foot|yards?|"
    r"miles?(?: per hour)?|degrees? f(?:ahrenheit)?|fahrenheit|square f(?:ee|oo)t"
)
METRIC = regex.compile(_NUMBER + f"(?:{_METRIC_SYMBOLS}|{_METRIC_NAMES})" + _END)
IMPERIAL = regex.compile(_NUMBER + f"(?:{_IMPERIAL_SYMBOLS}|{_IMPERIAL_NAMES}|cups?|pints?)" + _END)
UNIT_SYMBOLS = regex.compile(_NUMBER + f"(?:{_METRIC_SYMBOLS}|{_IMPERIAL_SYMBOLS})" + _END)
UNIT_WORDS = regex.compile(_NUMBER + f"(?:{_METRIC_NAMES}|{_IMPERIAL_NAMES})" + _END)
_FIGURE = r"\d[\d,]*(?:\.\d+)?"
MONEY = {
    "symbol": regex.compile(r"[$€£]\s?" + _FIGURE + r"|(?<![\w.])" + _FIGURE + r"\s?[$€£]"),
    "code": regex.compile(r"\b(?:usd|eur|gbp)\s?" + _FIGURE + r"|(?<![\w.])" + _FIGURE + r"\s?(?:usd|eur|gbp)\b"),
    "words": regex.compile(r"(?<![\w.$€£])" + _FIGURE + r"[\s-](?:us )?(?:dollars?|euros?|bucks|cents?|pounds? sterling)\b"),
}
AMOUNT = regex.compile("|".join(pattern.pattern for pattern in MONEY.values()))
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|"
    r"aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
DATES = {
    "month_day": regex.compile(r"\b" + _MONTH + r" \d{1,2}(?:st|nd|rd|th)?(?!\d|:|\s?[ap]m)"),
    "day_month": regex.compile(r"(?<![\d.:,])\d{1,2}(?:st|nd|rd|th)?(?: of)? " + _MONTH),
    "iso": regex.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)"),
}
H24 = regex.compile(r"(?<![\d:.])(?:[01]?\d|2[0-3]):[0-5]\d(?!\s?(?:[ap]\.?m\b|[:\d]|/|per\b|min|hours?\b))")
H12 = regex.compile(r"(?<![\d:.])(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?[ap]\.?m\b")


@lru_cache(maxsize=1)
def spelling_pairs() -> dict[str, str]:
    """American to British spelling, lower case: the words in which the two differ and that have no third reading."""
    import yaml

    text = files("persona_atlas.preferences").joinpath("spelling_pairs.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["pairs"])


@lru_cache(maxsize=1)
def _spelling_patterns() -> tuple[regex.Pattern[str], regex.Pattern[str]]:
    def whole(words: object) -> regex.Pattern[str]:
        return regex.compile(r"\b(?:" + "|".join(sorted(map(str, words), key=len, reverse=True)) + r")\b")  # type: ignore[call-overload]

    return whole(spelling_pairs().keys()), whole(spelling_pairs().values())


def _share(wanted: int, other: int) -> float:
    return wanted / (wanted + other) if wanted else 0.0


@checker("spelling")
def spelling(answer: Answer, *, variant: str) -> float:
    """Of the words that the two spellings write differently, the share in `variant` (`british` or `american`); 0 where there is none."""
    american, british = (len(pattern.findall(answer.lower)) for pattern in _spelling_patterns())
    return _share(british, american) if variant == "british" else _share(american, british)


@checker("units")
def units(answer: Answer, *, system: str) -> float:
    """Of the quantities with a unit, the share in `system` (`metric` or `imperial`); 0 where there is none."""
    metric, imperial = len(METRIC.findall(answer.lower)), len(IMPERIAL.findall(answer.lower))
    return _share(metric, imperial) if system == "metric" else _share(imperial, metric)


@checker("clock")
def clock(answer: Answer, *, style: str) -> float:
    """Of the times of day, the share written in `style` (`h24`: 18:30, `h12`: 6:30 pm); 0 where there is none."""
    h12, h24 = len(H12.findall(answer.lower)), len(H24.findall(answer.lower))
    return _share(h24, h12) if style == "h24" else _share(h12, h24)


@checker("unit_names")
def unit_names(answer: Answer, *, form: str) -> float:
    """Of the quantities with a unit that has a symbol, the share written in `form` (`symbols`: 400 g, `words`: 400 grams); 0 where there is none."""
    symbols, words = len(UNIT_SYMBOLS.findall(answer.lower)), len(UNIT_WORDS.findall(answer.lower))
    return _share(symbols, words) if form == "symbols" else _share(words, symbols)


@checker("currency")
def currency(answer: Answer, *, form: str) -> float:
    """Of the amounts of money, the share written in `form` (`symbol`: $5, `code`: USD 5, `words`: 5 dollars); 0 where there is none."""
    return _form_share(MONEY, answer.lower, form)


@checker("dates")
def dates(answer: Answer, *, form: str) -> float:
    """Of the dates, the share in `form` (`month_day`: May 3, `day_month`: 3 May, `iso`: 2027-05-03); 0 where there is none."""
    return _form_share(DATES, answer.lower, form)


def _form_share(forms: Mapping[str, regex.Pattern[str]], text: str, form: str) -> float:
    counts = {name: len(pattern.findall(text)) for name, pattern in forms.items()}
    mine = counts.pop(form)
    return _share(mine, sum(counts.values()))
