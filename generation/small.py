"""Rebuilds the files of the package that are generated from the rest of it: `applicable.json` and the small release (`make small`).

python -m generation.small
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import persona_atlas
from generation.build import Config, build
from persona_atlas.console import progress_line
from persona_atlas.data import SMALL
from persona_atlas.render.applicable import write_table

SMALL_CONFIG = Config(users=80, seed=0)


def main() -> None:
    write_table()
    out = Path(persona_atlas.__file__).parent / SMALL
    with TemporaryDirectory(dir=out.parent) as folder, progress_line("shards") as progress:
        manifest = build(SMALL_CONFIG, Path(folder) / SMALL, 1, progress)
        if out.is_dir():
            shutil.rmtree(out)
        shutil.move(Path(folder) / SMALL, out)
    print(f"{out.name}: content digest {manifest['content_digest']}")


if __name__ == "__main__":
    main()
