"""Rebuilds the small release that ships inside the package: `python -m generation.small`."""

import shutil
from pathlib import Path

import persona_atlas
from generation.build import Config, build
from persona_atlas.console import progress_line
from persona_atlas.data import SMALL

SMALL_CONFIG = Config(users=80, seed=0)


def main() -> None:
    out = Path(persona_atlas.__file__).parent / SMALL
    shutil.rmtree(out, ignore_errors=True)
    with progress_line("shards") as progress:
        manifest = build(SMALL_CONFIG, out, 1, progress)
    print(f"{out.name}: content digest {manifest['content_digest']}")


if __name__ == "__main__":
    main()
