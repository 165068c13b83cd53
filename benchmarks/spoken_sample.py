"""Conversations of a spoken release as Markdown, none selected: at equal distances in the order of the release, from the first on.

python benchmarks/spoken_sample.py RELEASE >docs/spoken-conversations.md
"""

from pathlib import Path

import click

from generation.spoken.provenance import SCRIPTED, Utterance
from persona_atlas import shards
from persona_atlas.data import Release, open_release
from persona_atlas.records import SPLITS, Conversation, Turn


def said_by(release: Release) -> dict[tuple[str, int], Utterance]:
    """(conversation, turn) -> where its words come from."""
    paths = [release.path / entry["path"] for entry in release.manifest["files"] if entry["config"] == "provenance"]
    return {(row.conversation_id, row.turn): row for path in paths for row in shards.read_records(path, Utterance)}


def printed(conversation: Conversation, said: dict[tuple[str, int], Utterance]) -> str:
    """A heading, and a paragraph a turn."""
    noise = f", noise: {conversation.noise}" if conversation.noise else ""
    turns = [_turn(turn, said[conversation.conversation_id, number]) for number, turn in enumerate(conversation.turns)]
    return "\n\n".join([f"## {conversation.conversation_id}{noise}", *turns])


def _turn(turn: Turn, row: Utterance) -> str:
    source = "scripted words" if row.model == SCRIPTED else "first try" if row.tries == 1 else f"try {row.tries}"
    reveals = "".join(f", reveals {one.dimension} = {one.value}" for one in turn.reveals)
    body = "\n".join(f"> {line}".rstrip() for line in turn.content.strip().splitlines())
    return f"**{turn.role}** ({source}{reveals})\n\n{body}"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True))
@click.option("--number", default=20, show_default=True)
def main(directory: Path, number: int) -> None:
    release = open_release(directory, f"folder {directory}")
    all_of_it = [one for split in SPLITS for one in [*release.conversations(split), *release.history_noise(split)]]
    said, cast = said_by(release), release.manifest["config"]["cast"]
    print("# Twenty conversations of a spoken release, none selected" if number == 20 else "# Conversations of a spoken release, none selected")
    print(f"\n`python benchmarks/spoken_sample.py RELEASE`: every {len(all_of_it) // number}th of {len(all_of_it)}. Users speak by {cast['user']}, ")
    print(f"assistants by {', '.join(one['model'] for one in cast['assistants'])}. In brackets where a turn's words come from.\n")
    print("\n\n".join(printed(one, said) for one in all_of_it[:: len(all_of_it) // number][:number]))


if __name__ == "__main__":
    main()
