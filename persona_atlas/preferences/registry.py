"""Where checkers are registered by name, so that the catalogue (data) can point to them."""

from collections.abc import Callable
from functools import wraps

from persona_atlas.answer import Answer

Checker = Callable[..., float]
"""`checker(answer, **parameters) -> degree in [0, 1]`."""

_CHECKERS: dict[str, Checker] = {}


def checker(name: str) -> Callable[[Checker], Checker]:
    """Register a function under `name`. A second function of that name raises ValueError.

    The degree of a checker without parameters is kept with the answer: most have an opposite, which asks for it again.
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
    """The checker called `name`. Raises KeyError with the known names where there is none."""
    import persona_atlas.preferences.checkers  # noqa: F401  (importing the families registers them)

    try:
        return _CHECKERS[name]
    except KeyError:
        raise KeyError(f"no checker is called {name!r}; known: {', '.join(sorted(_CHECKERS))}") from None


def check(name: str, text: str, **parameters: object) -> float:
    """The degree to which `text` (Markdown) meets checker `name`: for one-off use; a scorer parses the answer once."""
    return get_checker(name)(Answer(text), **parameters)
