"""What the audit's tests share: the tiny release as an audit reads it, its figures, and eighty users for the statistics."""

from typing import Any

import pytest

from generation.audit.audit import audit
from generation.audit.corpus import Corpus, read
from generation.build import split_counts
from generation.people import blocks, users_of
from persona_atlas.data import Release


@pytest.fixture(scope="session")
def corpus(release: Release) -> Corpus:
    return read(release)


@pytest.fixture(scope="session")
def audited(release: Release) -> dict[str, Any]:
    """The audit of a clean release of twenty users."""
    return audit(release, [])


@pytest.fixture(scope="session")
def people() -> Corpus:
    """Eighty users without conversations: enough for tests of evenness and independence."""
    return Corpus(tuple(user for block in blocks(split_counts(80)) for user in users_of(0, block)), (), ())
