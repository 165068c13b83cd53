"""Where PersonaAtlas keeps what can be made again: the answers of language models, merged weights, digests of weights."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder `persona-atlas` in `$XDG_CACHE_HOME`, or else in `~/.cache`. A `~` is not expanded, so that `--help` looks alike for everybody."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "persona-atlas"
