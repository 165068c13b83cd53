"""What users of a split say of their wishes: the catalogue's phrasings and the frames that ship, or a private bank's while one is in use.

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
"""A bank; none: what ships; `unseen`: a private bank that is not here, so that nobody knows what its splits may say."""
_SOURCE: ContextVar[Source] = ContextVar("source", default=None)


@contextmanager
def using(source: Source) -> Iterator[None]:
    """Speak from `source` while the block runs, in this thread alone."""
    token = _SOURCE.set(source)
    try:
        yield
    finally:
        _SOURCE.reset(token)


def unseen(split: str) -> bool:
    """Whether the phrasings of the split are in a bank that is not here."""
    return _SOURCE.get() == "unseen" and split in SPLITS


def phrasings_of(dimension: str, value: str) -> Phrasings:
    """Split -> kind -> lines of a value, or of `hard` and a constraint."""
    catalog, source = load_catalog(), _SOURCE.get()
    shipped = catalog.hard[value].phrasings if dimension == "hard" else catalog.value(dimension, value).phrasings
    if not isinstance(source, PrivateBank):
        return shipped
    return {**shipped, **source.phrasings.get((dimension, value), {})}


def frames_of(split: str) -> Mapping[str, Any]:
    """Kind -> frames of a split."""
    source = _SOURCE.get()
    return source.frames[split] if isinstance(source, PrivateBank) and split in source.frames else frames()[split]
