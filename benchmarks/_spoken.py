"""Opens the spoken release that a benchmark reads: the one given, or a small one built here with the scripted (simulated) target."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generation.build import Config, build
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech
from persona_atlas.data import Release, open_release


@contextmanager
def spoken_release(directory: Path | None) -> Iterator[Release]:
    if directory is not None:
        yield open_release(directory, f"folder {directory}")
        return
    voice = Voice("scripted")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "release"
        build(Config(10, 0, Speech(Cast(voice, voice, (voice,)), Path(folder) / "answers.sqlite")), out, 1, lambda done, total: None)
        print("No release is named: ten users, spoken by the scripted target (simulated)\n")
        yield open_release(out, "this benchmark")
