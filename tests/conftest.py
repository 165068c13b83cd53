"""What tests of every package share: one tiny release, built once."""

from pathlib import Path

import pytest

from generation.build import Config, build
from persona_atlas.data import Release, load_dataset


@pytest.fixture(scope="session")
def release_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release of twenty users in all four splits. Copy it before changing anything."""
    path = tmp_path_factory.mktemp("release") / "persona-atlas"
    build(Config(20, 0), path, workers=1, progress=lambda done, total: None)
    return path


@pytest.fixture(scope="session")
def release(release_path: Path) -> Release:
    return load_dataset(str(release_path))
