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

import regex


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
    r"kg|kilos?|kilograms?": 1000.0,
    r"mg|milligrams?": 0.001,
    r"g|grams?|grammes?": 1.0,
    r"oz|ounces?": 28.3495,
    r"lbs?|pounds?": 453.592,
}
_VOLUME = {
    r"ml|millilit(?:er|re)s?": 1.0, r"cl": 10.0, r"dl": 100.0, r"l|lit(?:er|re)s?": 1000.0, r"fl\.? ?oz|fluid ounces?": 29.5735, r"cups?": 236.588,
    r"pints?": 473.176, r"quarts?|qt": 946.353, r"gallons?|gal": 3785.41,
}  # fmt: skip
_LENGTH = {
    r"mm|millimet(?:er|re)s?": 0.001, r"cm|centimet(?:er|re)s?": 0.01, r"m|met(?:er|re)s?": 1.0, r"km|kilomet(?:er|re)s?": 1000.0,
    r"in|inch(?:es)?|[\"″”]": 0.0254, r"ft|feet|foot": 0.3048, r"yards?|yd": 0.9144, r"miles?|mi": 1609.344,
}  # fmt: skip
_SPEED = {r"km/h|kph|kmh|kilomet(?:er|re)s? (?:per|an) hour": 1.0, r"mph|miles? (?:per|an) hour": 1.609344}
_AREA = {r"m²|m2|sqm|square met(?:er|re)s?": 1.0, r"sq\.? ?ft|square f(?:ee|oo)t": 0.092903}


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
DIGITS = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
NUMBER = r"(?<![\w.])" + DIGITS
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


def names_day(text: str, day: date) -> bool:
    """Return whether `text` names the day in a usual form, without a year or with the right one: May 3, 3rd of May, 2027-05-03, 5/3/2027."""
    month, d, m, year = MONTHS[day.month - 1], day.day, day.month, day.year
    name, nth = rf"(?:{month}|{month[:3]})\.?+", r"(?:st|nd|rd|th)?+"
    no_other_year = rf"(?!,?\s?(?:\(|(?:of|in)\s)?(?!{year})(?:19|20)\d\d(?![\d,.:]*\d)|,?\s['’](?!{year % 100:02})\d\d\b)"
    forms = (
        rf"{name} (?:the )?0?{d}{nth}(?!\d)",
        rf"(?<!\d)0?{d}{nth}(?: of)? {name}(?!\w)",
        rf"(?<!\d){year}[-/.]0?{m}[-/.]0?{d}(?!\d)",
        rf"(?<![\d/])0?{m}/0?{d}(?:/(?:{year}|{year % 100:02}))?(?![\d/])",
        rf"(?<![\d/.])0?{d}[./]0?{m}[./](?:{year}|{year % 100:02})?(?!\d)",
    )
    return any(regex.search(form + no_other_year, text, regex.I) for form in forms)


def _value(text: str) -> float:
    return float(text.replace(",", ""))


def found(text: str, unit: str) -> list[float]:
    """Return every quantity in `text` that can be converted to `unit`, in `unit`.

    Units: those of UNITS, `usd`, `percent`, `minutes`, `hours`, `days`, `count` (any number).
    """
    match unit:
        case "count":
            return [_value(hit) for hit in regex.findall(NUMBER, text)]
        case "usd":
            return [
                _value(hit[0] or hit[1])
                for hit in regex.findall(r"(?:\$|\busd)\s?" + DIGITS + "|" + NUMBER + r"\s?(?:us )?(?:dollars?|usd)\b", text, regex.I)
            ]
        case "percent":
            return [_value(hit) for hit in regex.findall(NUMBER + r"\s?(?:%|percent\b|per cent\b)", text, regex.I)]
        case "minutes" | "hours" | "days":
            return _durations(text, {"minutes": 1.0, "hours": 60.0, "days": 1440.0}[unit])
        case "C":
            celsius = [_value(hit) for hit in regex.findall(NUMBER + r"\s?(?:°\s?c|degrees? c(?:elsius)?|celsius|c)\b", text, regex.I)]
            return celsius + [
                (_value(hit) - 32) * 5 / 9 for hit in regex.findall(NUMBER + r"\s?(?:°\s?f|degrees? f(?:ahrenheit)?|fahrenheit|f)\b", text, regex.I)
            ]
        case _:
            return [
                _value(hit) * factor
                for spelling, factor in UNITS[unit].spellings.items()
                for hit in regex.findall(NUMBER + r"[\s-]?(?:" + spelling + r")(?![\w/²])", text, regex.I)
            ]


_MINUTE, _HOUR, _DAY = r"(?:minutes?|mins?|m)\b", r"(?:hours?|hrs?|h)\b", r"days?\b"


def _durations(text: str, base: float) -> list[float]:
    """Return the durations in `text`, in units of `base` minutes. `1 hour 30 minutes` is one duration; its two parts are not listed as well."""
    mixed = regex.compile(NUMBER + r"[\s-]?" + _HOUR + r"(?:\s|,|and)*" + DIGITS + r"[\s-]?" + _MINUTE, regex.I)
    values = [_value(hours) * 60 + _value(minutes) for hours, minutes in mixed.findall(text)]
    rest = mixed.sub(" ", text)
    for pattern, factor in ((_MINUTE, 1.0), (_HOUR, 60.0), (_DAY, 1440.0)):
        values += [_value(hit) * factor for hit in regex.findall(NUMBER + r"[\s-]?" + pattern, rest, regex.I)]
    return [value / base for value in values]
