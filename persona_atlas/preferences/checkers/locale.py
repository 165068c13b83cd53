"""Checkers for spelling, units of measurement and the way times of day are written."""

from functools import lru_cache
from importlib.resources import files

import regex

from persona_atlas.answer import Answer
from persona_atlas.preferences.registry import checker

_NUMBER = r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:\s?[-–]\s?\d[\d,]*(?:\.\d+)?)?[\s-]?"
METRIC = regex.compile(
    _NUMBER + r"(?:kg|mg|g|ml|cl|dl|l|mm|cm|m|km|km/h|kph|kilograms?|kilos?|grams?|millilit(?:er|re)s?|lit(?:er|re)s?|"
    r"(?:milli|centi|kilo)?met(?:er|re)s?|°\s?c|degrees? c(?:elsius)?|celsius|m²|square met(?:er|re)s?)(?![\w°])"
)
IMPERIAL = regex.compile(
    _NUMBER + r"(?:oz|fl\.? oz|ounces?|fluid ounces?|lbs?|pounds?|cups?|pints?|quarts?|gallons?|inch(?:es)?|ft|feet|foot|yards?|miles?|mph|"
    r"°\s?f|degrees? f(?:ahrenheit)?|fahrenheit|sq\.? ft|square f(?:ee|oo)t)(?![\w°])"
)
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
