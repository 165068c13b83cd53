"""The releases that have a name (releases.yaml), recognized by their content digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from persona_atlas.content import need, read_yaml


@dataclass(frozen=True)
class Named:
    """A named release: the `--users` that it is built with, and the content digest of the result."""

    users: int
    content_digest: str


@lru_cache(maxsize=1)
def releases() -> Mapping[str, Named]:
    """Name -> release. Raises CatalogError."""
    file = files("generation").joinpath("releases.yaml")
    found = {}
    for name, entry in read_yaml(file).items():
        need(entry, {"users": int, "content_digest": str}, f"{file.name}, {name}")
        found[name] = Named(**entry)
    return found


def name_of(content_digest: str) -> str | None:
    """The name of the release with this content digest, or None."""
    return next((name for name, release in releases().items() if release.content_digest == content_digest), None)
