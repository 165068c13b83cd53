"""Quantities with units, times of day and money: printed in a locale, and found again in an answer.

>>> quantity(400, "g", "imperial"), quantity(180, "C", "imperial"), clock(18 * 60 + 30, "h12"), money(1250)
('14 oz', '356 °F', '6:30 pm', '$1,250')
>>> found("Bake it at 356 °F for 1 hour 30 minutes.", "C")
[180.0]
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache

import regex

from persona_atlas.amounts import AMOUNT, BEGINS, SUM, amount, amounts
from persona_atlas.preferences.checkers.locale import INCH_SIGN


@dataclass(frozen=True, slots=True)
class Unit:
    """A metric unit.

    `imperial`: the units it is converted to, each as (least amount in the metric unit, symbol, factor). `spellings`: pattern of a unit's spellings,
    of either system -> the unit's factor to the metric unit.
    """

    symbol: str
    imperial: tuple[tuple[float, str, float], ...]
    spellings: Mapping[str, float]


NAMES: dict[str, str] = {
    "g": "grams", "kg": "kilograms", "ml": "milliliters", "l": "liters", "mm": "millimeters", "cm": "centimeters", "m": "meters", "km": "kilometers",
    "km/h": "kilometers per hour", "m²": "square meters", "°C": "degrees Celsius", "°F": "degrees Fahrenheit", "oz": "ounces", "lb": "pounds",
    "fl oz": "fluid ounces", "cups": "cups", "qt": "quarts", "gal": "gallons", '"': "inches", "ft": "feet", "mi": "miles", "mph": "miles per hour",
    "sq ft": "square feet",
}  # fmt: skip
"""The spelled-out name of each unit symbol, in the plural."""
INCH = '"'
SINGULAR = {
    INCH: "inch", "ft": "foot", "sq ft": "square foot", "km/h": "kilometer per hour", "mph": "mile per hour",
    "°C": "degree Celsius", "°F": "degree Fahrenheit",
}  # fmt: skip


_MASS = {
    r"kgs?|kilos?|kilogram(?:me)?s?": 1000.0, r"mg|milligrams?": 0.001, r"g|gram(?:me)?s?": 1.0, r"tonnes?|metric tons?": 1e6,
    r"oz|ounces?": 28.3495, r"lbs?|pounds?": 453.592,
}  # fmt: skip
_VOLUME = {
    r"ml|millilit(?:er|re)s?": 1.0, r"cl": 10.0, r"dl": 100.0, r"l|lit(?:er|re)s?": 1000.0, r"fl\.?\s?oz|fluid ounces?": 29.5735, r"cups?": 236.588,
    r"pints?": 473.176, r"quarts?|qt": 946.353, r"gallons?|gal": 3785.41, r"tbsps?|tablespoons?": 14.7868, r"tsps?|teaspoons?": 4.92892,
}  # fmt: skip
_NO_SPEED = r"(?!\s(?:per|an)\s(?:hour|second))"
_LENGTH = {
    r"mm|millimet(?:er|re)s?": 0.001, r"cm|centimet(?:er|re)s?": 0.01, rf"(?:m|met(?:er|re)s?){_NO_SPEED}": 1.0,
    rf"(?:km|kilomet(?:er|re)s?){_NO_SPEED}": 1000.0, rf"inch(?:es)?|in(?=\s?[(=≈])|{INCH_SIGN}": 0.0254,
    rf"(?:ft|feet|foot){_NO_SPEED}|′|['’](?=\s?\d{{1,2}}(?:\.\d+)?\s?[\"″”])": 0.3048, r"yards?|yd": 0.9144, rf"(?:miles?|mi){_NO_SPEED}": 1609.344,
}  # fmt: skip
_SPEED = {r"km/hr?|kph|kmh|kmph|kilomet(?:er|re)s?(?:/| per | an )hour": 1.0, r"mph|miles?(?:/| per | an )hour": 1.609344}
_AREA = {
    r"m²|m2|m\^2|sq\.?\s?m|sqm|square met(?:er|re)s?": 1.0, r"ft²|ft2|ft\^2|sq\.?\s?(?:ft|feet)|sqft|square f(?:ee|oo)t": 0.092903,
}  # fmt: skip


def _scaled(spellings: Mapping[str, float], base: float) -> dict[str, float]:
    return {spelling: factor / base for spelling, factor in spellings.items()}


UNITS: dict[str, Unit] = {
    "g": Unit("g", ((0, "oz", 28.3495), (454, "lb", 453.592)), _MASS),
    "kg": Unit("kg", ((0, "lb", 0.453592),), _scaled(_MASS, 1000)),
    "ml": Unit("ml", ((0, "fl oz", 29.5735), (237, "cups", 236.588), (1420, "qt", 946.353)), _VOLUME),
    "l": Unit("l", ((0, "cups", 0.236588), (1, "qt", 0.946353), (8, "gal", 3.78541)), _scaled(_VOLUME, 1000)),
    "mm": Unit("mm", ((0, '"', 25.4),), _scaled(_LENGTH, 0.001)),
    "cm": Unit("cm", ((0, '"', 2.54),), _scaled(_LENGTH, 0.01)),
    "m": Unit("m", ((0, "ft", 0.3048),), _LENGTH),
    "km": Unit("km", ((0, "mi", 1.609344),), _scaled(_LENGTH, 1000)),
    "km/h": Unit("km/h", ((0, "mph", 1.609344),), _SPEED),
    "m2": Unit("m²", ((0, "sq ft", 0.092903),), _AREA),
    "C": Unit("°C", (), {}),
}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
LOOSE = 0.008
"""How far, as a share, a converted amount may be rounded to give a number that people would write. No task with such a unit tolerates less."""
STEPS = (1000, 500, 100, 50, 10, 5, 1, 0.5, 0.25, 0.1)


def number(value: float, digits: int = 2) -> str:
    """Print at most `digits` decimals, halves rounded up, thousands with a comma: 1250 -> '1,250', 0.5 -> '0.5', 2.25 to one digit -> '2.3'."""
    rounded = float(Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    return f"{rounded:,.{digits}f}".rstrip("0").rstrip(".") if rounded != int(rounded) else f"{int(rounded):,}"


def significant(value: float, digits: int = 3) -> str:
    """Print `digits` significant digits, but never less than the whole part."""
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return number(value, decimals)


def roundest(value: float) -> str:
    """Print the multiple of the largest of STEPS that is less than LOOSE away: 14.11 -> '14', 3.307 -> '3.3', 1076 -> '1,080'.

    If no multiple is as near, print three significant digits, or two decimals below 1: 2.643 -> '2.64'.
    """
    near = next((number(close) for step in STEPS if abs((close := round(value / step) * step) - value) < LOOSE * value), None)
    return near or (significant(value) if value >= 1 else number(value))


def quantity(value: float, unit: str, system: str, names: str = "symbols") -> str:
    """Print `value`, given in the metric `unit`, in `system` (`metric` or `imperial`), with unit `symbols` (400 g) or `words` (400 grams).

    Raises KeyError for an unknown unit.
    """
    kind = UNITS[unit]
    if system == "metric":
        printed, symbol = number(value), kind.symbol
    elif unit == "C":
        printed, symbol = number(value * 9 / 5 + 32, 0), "°F"
    else:
        _, symbol, factor = max(option for option in kind.imperial if value >= option[0])
        printed = roundest(value / factor)
    if names == "symbols":
        return f"{printed}{'' if symbol == INCH else ' '}{symbol}"
    return f"{printed} {SINGULAR.get(symbol, NAMES[symbol].removesuffix('s')) if printed == '1' else NAMES[symbol]}"


def clock(minutes: float, style: str) -> str:
    """Print minutes since midnight (taken modulo a day) as `h24` 18:30 or `h12` 6:30 pm."""
    hour, minute = divmod(round(minutes) % 1440, 60)
    if style == "h24":
        return f"{hour:02d}:{minute:02d}"
    return f"{(hour - 1) % 12 + 1}:{minute:02d} {'am' if hour < 12 else 'pm'}"


def money(value: float, style: str = "symbol") -> str:
    """Print US dollars as `symbol` $1,250, `code` USD 1,250 or `words` 1,250 dollars."""
    amount = f"{value:,.2f}".removesuffix(".00")
    return {"symbol": f"${amount}", "code": f"USD {amount}", "words": f"{amount} dollars"}[style]


def calendar_day(day: date, style: str) -> str:
    """Print a date as `month_day` May 3, 2027, `day_month` 3 May 2027 or `iso` 2027-05-03."""
    month = MONTHS[day.month - 1]
    return {"month_day": f"{month} {day.day}, {day.year}", "day_month": f"{day.day} {month} {day.year}", "iso": day.isoformat()}[style]


_ORDINALS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth",
    "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
]  # fmt: skip
_ORDINALS += [f"twenty[ -]{word}" for word in _ORDINALS[:9]] + ["thirtieth", "thirty[ -]first"]


def names_day(text: str, day: date) -> bool:
    """Return whether `text` names the day in a usual form, without a year or with the right one: May 3, 3rd of May, 2027-05-03, 5/3/2027.

    With its year a day may stand in figures in either order, month or day first; without, only with the month first, or where nothing else can be
    meant (13/5).
    """
    month, d, m, year = MONTHS[day.month - 1], day.day, day.month, day.year
    name = rf"(?:{month}|{month[:3]}{'t?' if m == 9 else ''})\.?+"
    nth = rf"(?:0?{d}(?:st|nd|rd|th)?+(?!\d)|(?<!(?:twenty|thirty)[ -]){_ORDINALS[d - 1]}\b)"
    years, gap = rf"(?:{year}|['’]?{year % 100:02})", r"[^\S\n]"
    no_other_year = rf"(?!,?\s?(?:\(|(?:of|in)\s)?(?!{year})(?:19|20)\d\d(?![\d,.:]*\d)|,?\s['’](?!{year % 100:02})\d\d\b)"
    forms = (
        rf"\b{name}(?:{gap}(?:the\s)?|-){nth}",
        rf"(?<!\w|\d[.,]){nth}(?:-|{gap}(?:day\s)?(?:of\s)?){name}(?!\w)",
        rf"(?<!\d){year}[-‐‑/.]0?{m}[-‐‑/.]0?{d}(?!\d)",
        rf"(?<![\d/])(?:0?{m}/0?{d}{rf'|{d}/0?{m}' if d > 12 else ''})(?:/{years})?(?![\d/])",
        rf"(?<![\d/.-])(?:0?{d}([-./])0?{m}|0?{m}([-.])0?{d})(?:\1|\2){years}(?!\d)",
        rf"(?<![\d/.])0?{d}\.0?{m}\.(?!\d)",
    )
    return any(regex.search(form + no_other_year, text, regex.I) for form in forms)


_TIME = {r"days?": 1440.0, r"hours?|hrs?|h": 60.0, r"minutes?|mins?|m": 1.0}
_DOLLARS = {r"(?:us\s)?(?:dollars?|bucks)|usd|\$(?!\s?\d)": 1.0, r"cents?|¢": 0.01}
_PERCENT = {r"%|percent|per\scent|pct": 1.0}
_CELSIUS = {r"[°º˚]\s?c|℃|degrees?\sc(?:elsius)?|celsius|centigrade|c": 1.0}
_FAHRENHEIT = {r"[°º˚]\s?f|℉|degrees?\sf(?:ahrenheit)?|fahrenheit|f": 1.0}

_STARTS = rf"{BEGINS}(?:(?<=[\d\"″”][x×])|(?<![\w.]|\d[,:/⁄]|(?:^|[\s(])[-−]))"
_ENDS = r"(?:(?<=['’′\"″”])|(?=[x×]\s?\d)|(?![\w²³^]|/(?!\s?\d)))"
_WORD_ENDS = r"(?!\w)"
_LABEL = r"(?<!\b(?:day|step|week|part|phase|session|set|option|room|level|round|stage|chapter|page)\s)"
_TO = r"\s?[-–—/]\s?|\s(?:to|or)\s|(?<=\bbetween\s\S{1,12})\sand\s"
_BY = r"(?:\s?[x×]\s?|\sby\s)(?![^=\n]{0,12}=)"
_AND = regex.compile(r"\.?(?P<comma>,)?[^\S\n]?(?:(?:and|&|plus)[^\S\n])?")
_REWRITTEN = [
    (regex.compile(pattern, regex.I), plain)
    for pattern, plain in {
        r"\$?(\d*)\s?\\[dt]?frac\{(\d+)\}\{(\d+)\}\$?": r"\1 \2/\3",
        r"\$(\d+(?:\.\d+)?)\$(?=\s?\p{L})": r"\1",
        r"\s{0,2}(?:\\?[,;:!]|\\\s|~)?\s{0,2}\\(?:text|mathrm|mbox)\{\s?([^{}]*)\}": r" \1",
        r"\\boxed\{([^{}]*)\}": r"\1",
        r"\^\{?\\circ\}?\s?": "°",
        r"\\times\b": "×",
        r"\\(?=[%$])|(?<=\d)\*\*(?!\d)|(?<!\d)\*\*(?=\d)": "",
        r"(?<=\d)\{,\}(?=\d)": ",",
        r"(\d)h(?:rs?)?(\d{1,2})(?:\s?m(?:ins?)?)?\b": r"\1 h \2 min",
        r"(?<![\d:])(\d{1,2}):([0-5]\d)\s?(?:h|hrs?|hours?)\b": r"\1 h \2 min",
        rf"\ban\s(?=hour\sand\s(?:a\s(?:half|quarter)\b|{AMOUNT}[\s-]min))": "1 ",
    }.items()
]
"""Mathematical notation, bold figures, `1h30`, `1:30 hours` and `an hour and a half`, as what can be read like everything else."""


def found(text: str, unit: str) -> list[float]:
    """Return every quantity in `text` that can be converted to `unit`, in `unit`. A range gives both its ends.

    `1 hour 30 minutes` is one quantity; its two parts are not listed as well. Units: those of UNITS, `usd`, `percent`, `minutes`, `hours`, `days`,
    `count` (any number).
    """
    plain = _plain(text)
    match unit:
        case "count":
            return [amount(hit) for hit in _COUNT.findall(plain)]
        case "usd":
            return [value for match in _PRICE.finditer(plain) for value in amounts(match)] + _measured(plain, _DOLLARS, _WORD_ENDS)
        case "percent":
            return _measured(plain, _PERCENT, _WORD_ENDS)
        case "minutes" | "hours" | "days":
            base = {"minutes": 1.0, "hours": 60.0, "days": 1440.0}[unit]
            return [value / base for value in _measured(plain, _TIME, _WORD_ENDS)]
        case "C":
            return _measured(plain, _CELSIUS) + [(value - 32) * 5 / 9 for value in _measured(plain, _FAHRENHEIT)]
        case "mm" | "cm" | "m":
            return _measured(plain, UNITS[unit].spellings, joints=rf"{_TO}|{_BY}")
        case _:
            return _measured(plain, UNITS[unit].spellings)


@lru_cache(maxsize=64)
def _plain(text: str) -> str:
    for pattern, plain in _REWRITTEN:
        text = pattern.sub(plain, text)
    return text


_PRICE = regex.compile(
    rf"(?:(?<!\w)(?:us\s?)?\$|\busd\s?\$?|\bus\sdollars?\s)\s?(?:(?P<low>{SUM})(?:[-–—]|\s[–—]\s)\$?)?(?P<high>{SUM})(?!\s?%)", regex.I
)
_COUNT = regex.compile(rf"(?<![\w.]){AMOUNT}", regex.I)


@cache
def _reader(spellings: tuple[str, ...], ends: str, joints: str) -> regex.Pattern[str]:
    units = "|".join(f"(?P<u{place}>{spelling})" for place, spelling in enumerate(spellings))
    lows = rf"(?:{_LABEL}(?P<low>{AMOUNT})(?:{joints})){{0,2}}"
    return regex.compile(rf"{_STARTS}{lows}(?P<high>{AMOUNT})[\s-]?(?:{units}){ends}(?P<part>\sand\sa\s(?:half|quarter)\b)?", regex.I)


def _measured(text: str, spellings: Mapping[str, float], ends: str = _ENDS, joints: str = _TO) -> list[float]:
    """The quantities in `text` with a unit of `spellings`, times the unit's factor."""
    factors = list(spellings.values())
    values: list[float] = []
    last, behind = 0.0, -1  # the factor of the quantity before, if a smaller unit may follow it, and where it ends
    for match in _reader(tuple(spellings), ends, joints).finditer(text):
        factor = next(factor for place, factor in enumerate(factors) if match[f"u{place}"] is not None)
        read = [(value + amount(match["part"] or "")) * factor for value in amounts(match)]
        between = _AND.fullmatch(text, behind, match.start()) if behind >= 0 else None
        if between and len(read) == 1 and read[0] < last and _divides(last / factor, between["comma"] is None):
            values[-1] += read[0]
        else:
            values += read
        last, behind = factor if len(read) == 1 else 0.0, match.end()
    return values


def _divides(ratio: float, decimal: bool) -> bool:
    """Whether so many smaller units make a larger one. Ten, a hundred or a thousand do only if `decimal`: `1 kg, 29 g` is a list."""
    return ratio > 1.5 and abs(ratio - round(ratio)) < 1e-3 and (decimal or round(ratio) not in (10, 100, 1000))
