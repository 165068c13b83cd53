"""Verifiers: programs that say how far an answer solves a task, computed from the slots.

Each kind takes its specification (from the task file, fields already printed) and a text, and returns a score in [0, 1]:

- `numeric`: 1 if the text has the right number, in its unit or the other system's, within a relative tolerance;
- `key_points`: the share of points of which the text has any spelling; see `clocks` for times of day and `counts` for `2 loads`;
- `exact`: 1 if the text names the right option, first or most often of all options, apart from echoes of the question (see `options`);
- `constraint`: the share of required groups found; 0 if the text has a forbidden word;
- `date`: 1 if the text names the right day in a usual form, and not in another year;
- `code`: the share of cases that a function in the answer's code passes, run in a sandbox; such tasks stay out of the core suite;
- `all`: the mean of its parts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import regex

from persona_atlas.answer import Answer
from persona_atlas.content import CatalogError
from persona_atlas.tasks import clocks, counts, markup, options, quantities
from persona_atlas.tasks.sandbox import passed

if TYPE_CHECKING:
    from persona_atlas.tasks.templates import Filling

JOINED_CLOCK = regex.compile(r"(?<=\d:[0-5]\d)(?=[ap]\.?m\b)")
READS_CODE = "coding"
"""The domain whose answers may stand in a code block alone, such as a command. Numbers are not looked for there: programs are full of them."""
UNITS = (*quantities.UNITS, "usd", "percent", "minutes", "hours", "days", "count")
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "numeric": ({"value"}, {"unit", "tolerance"}),
    "key_points": ({"points"}, set()),
    "exact": ({"answer"}, {"others"}),
    "constraint": ({"require"}, {"forbid"}),
    "date": ({"value"}, set()),
    "code": ({"function", "cases"}, set()),
    "all": ({"of"}, set()),
}


@dataclass(frozen=True)
class _Said:
    """What an answer says: its visible text, its code blocks where they are read, and its tables as lines of `header: cell` in lower case."""

    text: str
    code: tuple[str, ...] = ()
    tables: str = ""

    @cached_property
    def lower(self) -> str:
        return _lower(self.text)

    @cached_property
    def with_code(self) -> str:
        return "\n".join((self.lower, *map(_lower, self.code)))

    @cached_property
    def with_tables(self) -> str:
        return f"{self.with_code}\n{self.tables}"


def check_specification(specification: Any, where: str) -> None:
    """Raise CatalogError unless the specification is of a known kind and has the fields of that kind."""
    kind = specification.get("kind") if isinstance(specification, dict) else None
    if kind not in FIELDS:
        raise CatalogError(f"{where}, verifier: kind is {kind!r}, wanted one of {', '.join(FIELDS)}")
    required, optional = FIELDS[kind]
    given = set(specification) - {"kind"}
    if not required <= given <= required | optional:
        raise CatalogError(
            f"{where}, verifier {kind}: has {', '.join(sorted(given)) or 'no fields'}, wanted {', '.join(sorted(required | optional))}"
        )
    if specification.get("unit", "count") not in UNITS:
        raise CatalogError(f"{where}, verifier numeric: unit is {specification['unit']!r}, wanted one of {', '.join(UNITS)}")
    for name in ("points", "require", "of"):
        if name in given and (not isinstance(specification[name], list) or not specification[name] or [] in specification[name]):
            raise CatalogError(f"{where}, verifier {kind}: {name} is {specification[name]!r}, wanted a list that has something in it")
    if kind == "code":
        _check_cases(specification["cases"], f"{where}, verifier code")
    for part in specification.get("of", ()):
        check_specification(part, where)
        if part["kind"] == "code":
            raise CatalogError(f"{where}, verifier all: code is no part of others; make a task of its own")


def _check_cases(cases: Any, where: str) -> None:
    if not isinstance(cases, list) or not cases:
        raise CatalogError(f"{where}: cases is {cases!r}, wanted a list of {{args: [...], result: ...}}")
    for case in cases:
        if not isinstance(case, dict) or set(case) != {"args", "result"} or not isinstance(case["args"], list):
            raise CatalogError(f"{where}: the case {case!r} is no {{args: [...], result: ...}}; give both")


def verify(filling: "Filling", answer: Answer) -> float:
    """Return the score of `answer` for the filled task, in [0, 1], against the clean query's slots."""
    specification = filling.verifier
    code = tuple(block.text for block in answer.of_kind("code"))
    if specification["kind"] == "code":
        return passed(list(code), specification["function"], specification["cases"])
    return _score(specification, _Said(answer.visible, code if filling.template.domain == READS_CODE else (), counts.table_lines(answer.text)))


def solves(filling: "Filling", text: str) -> bool:
    """Return whether a plain text (a query, a prompt) scores 1, without parsing Markdown unless the task runs code."""
    if filling.template.verifier["kind"] == "code":
        return verify(filling, Answer(text)) >= 1.0
    return _solves(filling.verifier, _Said(text))


def key_terms(filling: "Filling") -> tuple[str, ...]:
    """Return the words and numbers that put an answer on the subject: the slot values and the verifier's own spellings."""
    terms: list[str] = []
    for value in filling.slots.values():
        terms.extend(_scalars(value))
    terms.extend(_scalars(filling.verifier))
    return tuple(sorted({term.lower() for term in terms if len(term) > 1 or term.isdigit()}))


def _scalars(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for key, entry in value.items() if key not in ("kind", "unit", "tolerance", "forbid", "cases") for text in _scalars(entry)]
    if isinstance(value, list | tuple):
        return [text for entry in value for text in _scalars(entry)]
    if isinstance(value, bool) or value is None:
        return []
    return [quantities.number(value) if isinstance(value, int | float) else str(value)]


def printed(specification: Any, values: Mapping[str, Any]) -> Any:
    """Return the specification with every field replaced by its value. A string that is one bare field becomes the value itself."""
    if isinstance(specification, Mapping):
        return {key: printed(value, values) for key, value in specification.items()}
    if isinstance(specification, list | tuple):
        return [printed(value, values) for value in specification]
    if isinstance(specification, str):
        found = markup.FIELD.fullmatch(specification)
        if found and found.group(2) is None:
            return markup.evaluate(found.group(1), values)
        return markup.expand(specification, values, markup.Locale())
    return specification


def _score(specification: Mapping[str, Any], said: _Said) -> float:
    return KINDS[specification["kind"]](specification, said)


def _numeric(specification: Mapping[str, Any], said: _Said) -> float:
    value, tolerance = float(specification["value"]), float(specification.get("tolerance", 0.03))
    slack = max(abs(value) * tolerance, 1e-9)
    return 1.0 if any(abs(hit - value) <= slack for hit in quantities.found(said.text, specification.get("unit", "count"))) else 0.0


def _lower(text: Any) -> str:
    return spaced(str(text).lower().replace("’", "'"))


def spaced(lower: str) -> str:
    """Return the text with a blank between a clock time and its half of the day: `5:25pm` is `5:25 pm`."""
    return JOINED_CLOCK.sub(" ", lower)


def _present(spellings: Sequence[Any] | str, said: _Said) -> bool:
    wanted = tuple(map(_lower, [spellings] if isinstance(spellings, str | int | float) else spellings))
    return clocks.named(wanted, said.with_code) or any(counts.said(spelling, said.with_tables) for spelling in wanted)


def _key_points(specification: Mapping[str, Any], said: _Said) -> float:
    points = specification["points"]
    return sum(_present(point, said) for point in points) / len(points)


def _exact(specification: Mapping[str, Any], said: _Said) -> float:
    """Code counts where it names one option alone, as a command does: a program may hold all of them as its data."""
    right, others = _lower(specification["answer"]), tuple(map(_lower, specification.get("others", ())))
    commands = [block for block in map(_lower, said.code) if options.mentioned((right, *others), block) == 1]
    return float(options.named(right, others, "\n".join((said.lower, *commands))))


def _constraint(specification: Mapping[str, Any], said: _Said) -> float:
    if any(_present(word, said) for word in specification.get("forbid", ())):
        return 0.0
    return _key_points({"points": specification["require"]}, said)


def _date(specification: Mapping[str, Any], said: _Said) -> float:
    return float(quantities.names_day(said.text, date.fromisoformat(str(specification["value"]))))


def _all(specification: Mapping[str, Any], said: _Said) -> float:
    return sum(_score(part, said) for part in specification["of"]) / len(specification["of"])


def _solves(specification: Mapping[str, Any], said: _Said) -> bool:
    """Whether `_score` is 1. Of several parts or points, those behind the first that is missing are not looked for."""
    match specification["kind"]:
        case "all":
            return all(_solves(part, said) for part in specification["of"])
        case "key_points":
            return all(_present(point, said) for point in specification["points"])
        case _:
            return _score(specification, said) >= 1.0


KINDS: dict[str, Callable[[Mapping[str, Any], _Said], float]] = {
    "numeric": _numeric,
    "key_points": _key_points,
    "exact": _exact,
    "constraint": _constraint,
    "date": _date,
    "all": _all,
}
