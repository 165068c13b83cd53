"""Prints conversations of a spoken release as Markdown, none of them selected: the first, and then others at equal distances in the release's order.

python benchmarks/spoken_sample.py RELEASE >docs/spoken-conversations.md

Without RELEASE, a small one is made on the scripted (simulated) target.
"""

from pathlib import Path

import click
from _spoken import spoken_release

from generation.spoken.acceptance import utterances
from generation.spoken.provenance import SCRIPTED, Utterance
from persona_atlas.records import SPLITS, Conversation, Turn

INTRODUCTION = """\
# Conversations of a spoken release, none selected

Language models said these conversations in their own words ([how](spoken.md)). `python benchmarks/spoken_sample.py RELEASE` prints them:
one in {step} of {all}, and at most {number}. {user} speaks for the users, and {assistants} for the assistants. Whether an answer is right is
another matter.

A heading is the conversation's id. *noise* in it means that the conversation is there to mislead, or is beside the point. In brackets stands
where a turn's words come from: a model's first, second or third try, or the *scripted words* of the program where no try was accepted. After
that comes what the turn reveals of the user: a dimension of answers, and the value that the user wants in it ([Words and scores](concepts.md)).
"""


def printed(conversation: Conversation, said: dict[tuple[str, int], Utterance]) -> str:
    """Return a heading, and one paragraph per turn."""
    noise = f", noise: {conversation.noise}" if conversation.noise else ""
    turns = [_turn(turn, said[conversation.conversation_id, number]) for number, turn in enumerate(conversation.turns)]
    return "\n\n".join([f"## {conversation.conversation_id}{noise}", *turns])


def _turn(turn: Turn, row: Utterance) -> str:
    source = "scripted words" if row.model == SCRIPTED else "first try" if row.tries == 1 else f"try {row.tries}"
    reveals = "".join(f", reveals {one.dimension} = {one.value}" for one in turn.reveals)
    body = "\n".join(f"> {line}".rstrip() for line in turn.content.strip().splitlines())
    return f"**{turn.role}** ({source}{reveals})\n\n{body}"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--number", default=20, show_default=True)
def main(directory: Path | None, number: int) -> None:
    with spoken_release(directory) as release:
        everything = [one for split in SPLITS for one in [*release.conversations(split), *release.history_noise(split)]]
        said, cast = {(row.conversation_id, row.turn): row for row in utterances(release)}, release.manifest["config"]["cast"]
    step = max(1, len(everything) // number)
    assistants = ", ".join(one["model"] for one in cast["assistants"])
    print(INTRODUCTION.format(step=step, all=len(everything), number=number, user=cast["user"], assistants=assistants))
    print("\n\n".join(printed(one, said) for one in everything[::step][:number]))


if __name__ == "__main__":
    main()
