"""The areas that users bind a wish to, as they name them: `cooking, travel and money`."""

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
    """Join names as in `one, two and three`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def named(area: str) -> list[str]:
    """Split what `listed` joined."""
    return area.replace(" and ", ", ").split(", ")
