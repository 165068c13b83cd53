"""The areas to which users bind a wish, as they name them: `cooking, travel and money`."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from persona_atlas.content import need, read_yaml


@lru_cache(maxsize=1)
def areas() -> dict[str, str]:
    """Domain -> how users name it. Raises CatalogError."""
    file = files("persona_atlas.ppopt").joinpath("words").joinpath("areas.yaml")
    data = read_yaml(file)
    need(data, {"areas": dict}, file.name)
    return dict(data["areas"])


def listed(names: Sequence[str]) -> str:
    """One, two and three."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def named(area: str) -> list[str]:
    """The areas that such a list names."""
    return area.replace(" and ", ", ").split(", ")
