"""Numbers as people write them, in figures and in words, before it is known what they measure.

>>> [amount(text) for text in ("1,250", "1 1/2", "1½", "twenty-five", "two and a half", "half an", "1.2 million", "5k")]
[1250.0, 1.5, 1.5, 25.0, 2.5, 0.5, 1200000.0, 5000.0]
"""

import unicodedata

import regex

_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: value for value, word in enumerate(_ONES + _TEENS, 1)} | {word: 10 * value for value, word in enumerate(_TENS, 2)} | {"a": 1, "an": 1}
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9}
PARTS = {"half": 1 / 2, "third": 1 / 3, "quarter": 1 / 4, "fourth": 1 / 4}

_FIGURES = r"(?:(?:\d{1,3}(?:[,\u00a0\u2009\u202f]\d{3})++(?!\d)|\d++)(?:\.\d++)?|\.\d++)"
_FRACTION = r"(?:\d{1,2}+[/⁄](?:2|3|4|5|6|8|16|32|64)(?![\d/⁄]|[.,]\d)|[¼-¾⅐-⅞])"
_SMALL = rf"(?:(?:{'|'.join(_TENS)})(?:[\s-](?:{'|'.join(_ONES)})\b)?|{'|'.join(_TEENS + _ONES)})\b"
_SCALE = r"(?:hundred|thousand|million|billion)\b"
SPELLED = rf"\b(?:{_SMALL}|an?(?=\s{_SCALE}))(?:[\s-]{_SCALE}(?:\s(?:and\s)?{_SMALL})?){{0,3}}+"
_AND_PART = r"\sand\s(?:an?|one|two|three)[\s-](?:half|quarters?|thirds?)\b"
_PART = r"\b(?:(?:an?|one|two|three)[\s-])?(?:half|quarters?|fourths?|thirds?(?=\sof\b)|(?<=\b(?:one|two)[\s-])thirds?)\b(?:\s(?:of\s)?an?\b)?"
_PLAIN = rf"\d++(?:\s(?:(?:and|&)\s)?|-|\s?(?=[¼-⅞])){_FRACTION}|{_FRACTION}|{_FIGURES}(?:\s?{_SCALE}|k\b)?|{SPELLED}"
AMOUNT = rf"(?>{_PART}|(?:{_PLAIN})(?:{_AND_PART})?)"
"""The pattern of an amount, to be matched in any case. Fractions have the denominators of kitchens and workshops: 7/15 is two numbers."""
BEGINS = r"(?<![\d.,\u00a0\u2009\u202f]{40})"
"""Stands before an amount that needs a unit behind it. None begins within an endless row of figures: from each, all the rest would be read again."""
SUM = rf"{AMOUNT}(?:m\b|\s?(?:mn|bn)\b)?"
"""The same for money, which may be followed by `m` for a million."""

_TOKEN = regex.compile(rf"(?P<fraction>{_FRACTION})|(?P<figures>{_FIGURES})|(?P<word>[a-z]+)")
_BETWEEN_FIGURES = regex.compile(r"[^\d.]")
_SCALED = regex.compile(rf"\s?(?:{'|'.join(SCALES)})$", regex.I)
_LAST_PART = regex.compile(r"(?:\b(an?|one|two|three)[\s-])?\b(half|quarter|fourth|third)s?\b(?:\s(?:of\s)?an?)?$")


def amount(text: str) -> float:
    """Return the number that `text` stands for: a match of AMOUNT, with or without a word or letter of SCALES behind it."""
    total = group = 0.0
    lower = text.lower()
    if part := _LAST_PART.search(lower):
        total, lower = WORDS[part[1] or "one"] * PARTS[part[2]], lower[: part.start()]
    for token in _TOKEN.finditer(lower):
        word = token.group()
        if token["fraction"]:
            group += _fraction(word)
        elif token["figures"]:
            group += float(_BETWEEN_FIGURES.sub("", word))
        elif word == "hundred":
            group = (group or 1.0) * SCALES[word]
        elif word in SCALES:
            total, group = total + (group or 1.0) * SCALES[word], 0.0
        else:
            group += WORDS.get(word, 0)
    return total + group


def amounts(match: regex.Match[str]) -> list[float]:
    """Return the amounts of a match that has one group `high` and perhaps groups `low`, the lows first. `10-20k` begins at ten thousand."""
    high = match["high"]
    scale = _SCALED.search(high) if high[0].isdigit() else None
    lows = [low + scale.group() if scale and low[-1].isdigit() else low for low in match.captures("low")]
    return [amount(text) for text in (*lows, high)]


def _fraction(text: str) -> float:
    upper, _, lower = text.replace("⁄", "/").partition("/")
    return int(upper) / int(lower) if lower else unicodedata.numeric(upper)
