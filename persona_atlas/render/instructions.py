"""Words values as instructions: how somebody who knows the user would put the query to a model."""

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

import yaml

from persona_atlas.preferences.catalog import load_catalog

WORDINGS = 4


@lru_cache(maxsize=1)
def _frames() -> tuple[str, ...]:
    return tuple(yaml.safe_load(files("persona_atlas.render").joinpath("instructions.yaml").read_text(encoding="utf-8"))["frames"])


def instruct(query: str, values: Iterable[tuple[str, str]], hard: Iterable[str] = (), wording: int = 0) -> str:
    """Return `query` with an instruction for each (dimension, value) and hard constraint; the bare query if there are none.

    `wording` selects one of the four wordings, modulo four.
    """
    catalog = load_catalog()
    lines = [catalog.value(dimension, value).instructions[wording % WORDINGS] for dimension, value in values]
    lines += [catalog.hard[constraint].instructions[wording % WORDINGS] for constraint in hard]
    if not lines:
        return query
    frame = _frames()[wording % WORDINGS]
    return frame.format(query=query, list="\n".join(f"- {line}" for line in lines), sentences=" ".join(lines))
