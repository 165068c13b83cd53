"""PPOpt's own bank of what users say (`words/`), used beside the train split's phrasings. It has no phrasing in common with any split.

phrasings()["structure", "bulleted"]["request"]      ("split it into dotted points", ...)
frames()["standing"]                                 ("From now on, please {request}.", ...)
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from persona_atlas.content import CatalogError, need, read_lines, read_yaml
from persona_atlas.preferences.catalog import load_catalog

FRAMES = ("standing", "change", "once", "ended", "mood", "other_person", "scoped", "only")
OTHER_FILES = ("areas.yaml", "frames.yaml", "wishes.yaml")


@lru_cache(maxsize=1)
def phrasings() -> Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]:
    """(dimension, value) or ("hard", constraint) -> kind -> lines. Raises CatalogError, also where a line is in the catalogue too."""
    found = {}
    for path in sorted(files("persona_atlas.ppopt").joinpath("words").iterdir(), key=lambda path: path.name):
        dimension = path.name.removesuffix(".yaml")
        if path.name in OTHER_FILES or dimension == path.name:
            continue
        for value, kinds in read_yaml(path).items():
            found[dimension, value] = {kind: read_lines(lines, 4, f"{path.name}, {value}, {kind}") for kind, lines in kinds.items()}
    ours = {key(line): meaning for meaning, kinds in found.items() for lines in kinds.values() for line in lines}
    taken = next((line for line in of_the_catalogue() if key(line) in ours), None)
    if taken:
        raise CatalogError(f"words, {' '.join(ours[key(taken)])}: the phrasing {taken!r} stands in the catalogue; reword it")
    return found


def of_the_catalogue() -> list[str]:
    """Every phrasing of the catalogue, of all splits."""
    catalog = load_catalog()
    banks = [*(value.phrasings for value in catalog.values()), *(constraint.phrasings for constraint in catalog.hard.values())]
    return [line for splits in banks for kinds in splits.values() for lines in kinds.values() for line in lines]


def key(line: str) -> str:
    """Return the line without differences of case, spacing and final punctuation, to compare lines by."""
    return " ".join(line.lower().split()).rstrip(".!? ")


@lru_cache(maxsize=1)
def frames() -> Mapping[str, tuple[str, ...]]:
    """Sentences to put a request in, by how long, for whom and on which subjects it holds. Raises CatalogError."""
    file = files("persona_atlas.ppopt").joinpath("words").joinpath("frames.yaml")
    data = read_yaml(file)
    need(data, dict.fromkeys(FRAMES, list), file.name)
    return {name: read_lines(lines, 4, f"{file.name}, {name}") for name, lines in data.items()}
