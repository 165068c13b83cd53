"""The phrasings and frames in which users of a split say their wishes: those of the package, or those of a private bank while one is in use.

with using(bank):
    phrasings_of("structure", "bulleted")["test"]["request"]     lines of the bank; those of "train" are the catalogue's
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from generation.banks import frames
from generation.private import SPLITS, PrivateBank
from persona_atlas.preferences.catalog import Phrasings, load_catalog

Source = PrivateBank | Literal["unseen"] | None
"""A private bank; None for the package; `unseen` for a private bank that was not given, so that the phrasings of its splits are not known."""
_SOURCE: ContextVar[Source] = ContextVar("source", default=None)


@contextmanager
def using(source: Source) -> Iterator[None]:
    """Take phrasings and frames from `source` inside the `with` block, in this thread only."""
    token = _SOURCE.set(source)
    try:
        yield
    finally:
        _SOURCE.reset(token)


def unseen(split: str) -> bool:
    """Whether the split's phrasings are in a private bank that was not given."""
    return _SOURCE.get() == "unseen" and split in SPLITS


def phrasings_of(dimension: str, value: str) -> Phrasings:
    """Split -> kind -> lines, for a value of a dimension or, if the dimension is `hard`, for a constraint."""
    catalog, source = load_catalog(), _SOURCE.get()
    shipped = catalog.hard[value].phrasings if dimension == "hard" else catalog.value(dimension, value).phrasings
    if not isinstance(source, PrivateBank):
        return shipped
    return {**shipped, **source.phrasings.get((dimension, value), {})}


def frames_of(split: str) -> Mapping[str, Any]:
    """Kind -> frames of a split."""
    source = _SOURCE.get()
    return source.frames[split] if isinstance(source, PrivateBank) and split in source.frames else frames()[split]
