"""The command `atlas-generate private-template`: the skeleton of a private bank, to be filled with phrasings that are nowhere else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from generation.guard import Command, writing
from persona_atlas.console import fail, option

SPLITS = {"test": ("test",), "both": ("test", "test_ood")}
HEAD = "# {kinds}\n# Where a list stands empty, write at least {least} lines that stand nowhere in the package.\n"


@click.command("private-template", cls=Command)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The bank's folder, new or empty.")
@option("splits", type=click.Choice(sorted(SPLITS)), default="test", show_default=True, help="The split test alone, or test_ood as well.")
def private_template(out: Path, splits: str) -> None:
    """Write the skeleton of a private bank: every value and kind that has to be filled, and a salt. Only you may read its files."""
    from secrets import token_hex

    from persona_atlas.shards import PRIVATE, write_text

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        fail(f"{out} is there already and is not empty; give another --out")
    salt = f"# Keep it secret: whoever knows it and the seed can draw the users.\nsalt: '{token_hex(32)}'\n"
    texts = {"salt": salt, **dict(_parts(SPLITS[splits]))}
    with writing(out):
        for name, text in texts.items():
            write_text(out / f"{name}.yaml", text, PRIVATE)
    click.echo(f"{out}: {len(texts)} files. Fill every empty list, then: atlas-generate build --users 1000 --seed 0 --private {out} --out RELEASE")


def _parts(splits: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The name and text of each file: one per dimension, and the frames."""
    from generation.banks import FRAMES
    from generation.private import FEWEST, wanted
    from persona_atlas.preferences.catalog import load_catalog

    catalog = load_catalog()
    meanings = dict.fromkeys(meaning for split in splits for meaning, _ in wanted(split))
    kinds = {(meaning, split): kinds for split in splits for meaning, kinds in wanted(split)}
    what = "explicit: a standing wish. request: a bare verb phrase. complaint, praise: of an answer. fact: a fact of life from which it follows."
    for dimension in dict.fromkeys(dimension for dimension, _ in meanings):
        lines = [HEAD.format(kinds=what, least=FEWEST), "phrasings:\n", f"  {dimension}:\n"]
        for meaning in (meaning for meaning in meanings if meaning[0] == dimension):
            described = catalog.hard[meaning[1]].description if dimension == "hard" else catalog.value(*meaning).description
            lines.append(f"    {meaning[1]}:  # {described}\n")
            for split in splits:
                if (meaning, split) in kinds:
                    lines += [f"      {split}:\n", *(f"        {kind}: []\n" for kind in kinds[meaning, split])]
        yield dimension, "".join(lines)
    what = "Frames hold {request}, or {Request} where it begins a sentence; scoped and only hold {area}, other_person may hold {name}."
    frames = [f"  {split}:\n" + "".join(f"    {kind}: []\n" for kind in (*FRAMES, "change", "only")) for split in splits]
    yield "frames", HEAD.format(kinds=f"{what}\n# change: {{event: new_job, text: ...}}.", least=FEWEST) + "frames:\n" + "".join(frames)
