"""The markup of task files: `{slot}`, `{row.field}`, `{x|unit:g}`, `{t|clock}`, `{d|date}`, `{x|money}`, `{words|swap:vegan=other words}`.

>>> expand("Roast {kg|unit:kg} at {180|unit:C} from {start|clock}.", {"kg": 1.5, "start": "18:30"}, Locale("imperial", "h12"))
'Roast 3.3 lb at 356 °F from 6:30 pm.'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import regex

from persona_atlas.tasks import quantities

FIELD = regex.compile(r"\{([^{}|]+)(?:\|(\w+)(?::([^{}]+))?)?\}")
SWAP = regex.compile(r"\{([^{}|]+)\|swap:([^{}]+)\}")
ARTICLE = regex.compile(r"\b([Aa]) (?=\$?(?:8|1[18](?!\d)))")
TIME = regex.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FUNCTIONS: dict[str, Any] = {
    "round": round,
    "min": min,
    "max": max,
    "abs": abs,
    "floor": lambda x: int(x // 1),
    "ceil": lambda x: int(-(-x // 1)),
    "date_plus": lambda day, days: (_date(day) + timedelta(days=days)).isoformat(),
    "days_between": lambda first, last: (_date(last) - _date(first)).days,
    "weekday": lambda day: DAYS[_date(day).weekday()],
}
"""The functions that expressions may call. Dates are ISO texts (`2027-05-03`)."""


@dataclass(frozen=True, slots=True)
class Locale:
    """How quantities, times, dates and money are printed, and which hard constraints swap words."""

    units: str = "metric"
    unit_names: str = "symbols"
    clock: str = "h24"
    dates: str = "month_day"
    currency: str = "symbol"
    hard: frozenset[str] = frozenset()


class MarkupError(ValueError):
    """A field cannot be computed: the message quotes it."""


def expand(text: str, values: Mapping[str, Any], locale: Locale) -> str:
    """Return `text` with every field printed. `values`: slots and derived values; rows are mappings. Raises MarkupError.

    `a` becomes `an` before a number that is spoken with a vowel: `a {minutes}-minute talk` -> `an 8-minute talk`. The words of a swap may hold
    fields that print no comma: `{a drill at {90|money}|swap:budget=a saw at {20|money}}`.
    """
    printed = FIELD.sub(lambda match: _field(match.group(1), match.group(2), match.group(3), values, locale), text)
    printed = SWAP.sub(lambda match: _swap(match.group(1), match.group(2), locale.hard), printed)
    return ARTICLE.sub(r"\1n ", printed)


def fields(text: str) -> list[tuple[str, str | None]]:
    """Return the (expression, function) pairs of a text's fields."""
    return [(match.group(1), match.group(2)) for match in FIELD.finditer(text)]


def _field(expression: str, function: str | None, argument: str | None, values: Mapping[str, Any], locale: Locale) -> str:
    if function == "swap":
        return _swap(expression, argument or "", locale.hard)
    value = evaluate(expression, values)
    match function:
        case None:
            return value if isinstance(value, str) else quantities.number(_number(value))
        case "unit" if argument in quantities.UNITS:
            return quantities.quantity(_number(value), argument, locale.units, locale.unit_names)
        case "clock":
            return quantities.clock(minutes(value), locale.clock)
        case "date":
            return quantities.calendar_day(_date(value), locale.dates)
        case "money":
            return quantities.money(_number(value), locale.currency)
        case _:
            raise MarkupError(
                f"the field {{{expression}|{function}:{argument}}} is not known; "
                f"wanted unit:{'/'.join(quantities.UNITS)}, clock, date, money or swap:…"
            )


def _swap(default: str, argument: str, hard: frozenset[str]) -> str:
    for option in argument.split(","):
        constraint, _, replacement = option.partition("=")
        if constraint.strip() in hard:
            return replacement.strip()
    return default


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MarkupError(f"{value!r} is no number; only numbers can be printed as amounts")
    return value


def _date(value: Any) -> date:
    """Return the day that an ISO text names. Raises MarkupError."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise MarkupError(f"{value!r} is no date; wanted text like 2027-05-03") from None


def minutes(value: Any) -> float:
    """Return minutes since midnight, from a number or a text like 18:30. Raises MarkupError."""
    if isinstance(value, int | float):
        return value
    match = TIME.fullmatch(str(value).strip())
    if not match:
        raise MarkupError(f"{value!r} is no time of day; wanted 18:30 or minutes since midnight")
    return int(match.group(1)) * 60 + int(match.group(2))


def evaluate(expression: str, values: Mapping[str, Any]) -> Any:
    """Return the value of a name, a `row.field`, a literal time, or simple arithmetic over them. Raises MarkupError."""
    expression = expression.strip()
    if expression in values:
        return values[expression]
    if TIME.fullmatch(expression):
        return expression
    row, dot, field = expression.partition(".")
    if dot and isinstance(values.get(row), Mapping) and field in values[row]:
        return values[row][field]
    return _compute(expression, values)


def _compute(expression: str, values: Mapping[str, Any]) -> Any:
    from simpleeval import InvalidExpression

    evaluator = _evaluator()
    evaluator.names = dict(values)
    try:
        return evaluator.eval(expression, previously_parsed=_parse(expression))
    except (InvalidExpression, SyntaxError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise MarkupError(f"{expression!r} cannot be computed from {', '.join(values)}: {error}") from None


@lru_cache(maxsize=1)
def _evaluator() -> Any:
    """The one evaluator for all expressions: making one costs more than evaluating most of them."""
    from simpleeval import EvalWithCompoundTypes

    return EvalWithCompoundTypes(functions=FUNCTIONS)


@lru_cache(maxsize=4096)
def _parse(expression: str) -> Any:
    from simpleeval import EvalWithCompoundTypes

    return EvalWithCompoundTypes.parse(expression)
