"""A registry of checkers by name, so that the catalogue (data) can refer to them."""

from collections.abc import Callable
from functools import wraps

from persona_atlas.answer import Answer

Checker = Callable[..., float]
"""`checker(answer, **parameters) -> degree in [0, 1]`."""

_CHECKERS: dict[str, Checker] = {}


def checker(name: str) -> Callable[[Checker], Checker]:
    """Decorator that registers a checker under `name`. Raises ValueError if the name is taken.

    A degree computed without parameters is cached on the answer, because most such checkers have an opposite that needs the same degree.
    """

    def register(function: Checker) -> Checker:
        if name in _CHECKERS:
            raise ValueError(f"two checkers are called {name!r}: {_CHECKERS[name].__module__} and {function.__module__}")

        @wraps(function)
        def remembered(answer: Answer, **parameters: object) -> float:
            if parameters:
                return function(answer, **parameters)
            if name not in answer.degrees:
                answer.degrees[name] = function(answer)
            return answer.degrees[name]

        _CHECKERS[name] = remembered
        return remembered

    return register


def get_checker(name: str) -> Checker:
    """Return the checker called `name`. Raises KeyError, listing the known names, if there is none."""
    import persona_atlas.preferences.checkers  # noqa: F401  (importing the families registers them)

    try:
        return _CHECKERS[name]
    except KeyError:
        raise KeyError(f"no checker is called {name!r}; known: {', '.join(sorted(_CHECKERS))}") from None


def check(name: str, text: str, /, **parameters: object) -> float:
    """Return the degree to which `text` (Markdown) meets checker `name`. For one-off use: it parses `text` on every call."""
    return get_checker(name)(Answer(text), **parameters)
