"""The tokenizer of a base. transformers takes some ten seconds to convert the one in a GGUF file, so the result is kept in the cache folder."""

import os
import tempfile
from pathlib import Path
from typing import Any

from persona_atlas.folders import cache_folder
from persona_atlas.models.digest import path_digest, text_digest


def load_tokenizer(base: Path | str) -> Any:
    """The tokenizer of a GGUF file, of a folder that transformers opens, or of a model with that name."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(_converted(base) if isinstance(base, Path) and base.suffix == ".gguf" else base)


def _converted(weights: Path) -> Path:
    """The folder that holds the tokenizer of a GGUF file in transformers' own form. It is made once for each version of transformers."""
    from transformers import AutoTokenizer, __version__

    kept = cache_folder().expanduser() / f"tokenizer-{text_digest(f'{__version__} {path_digest(weights)}')}"
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix="converting-") as folder:
            AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name).save_pretrained(made := Path(folder) / "tokenizer")
            try:
                os.rename(made, kept)
            except OSError:
                if not kept.is_dir():  # or else another process was faster
                    raise
    return kept
