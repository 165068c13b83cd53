"""How varied what users write is, compared with a reference of equal size: commonest opening, em dashes, distinct bigrams, near-duplicates.

    python benchmarks/variety.py --reference train_samples.json                  a release of 1,000 users, built if there is none
    python benchmarks/variety.py --release DIR

The reference is a file of the published PersonaAtlas format (`full_conversation` with roles). A near-duplicate is a user turn whose estimated Jaccard
similarity (MinHash over three-word runs, 128 permutations) to an earlier turn is at least 0.8. They are counted in 10,000 conversations of the
release, drawn at random.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import regex
from controls import release
from datasketch import MinHash, MinHashLSH

from persona_atlas.data import Release, open_release
from persona_atlas.records import SPLITS

WORD = regex.compile(r"[\w']+")
THRESHOLD = 0.8
CONVERSATIONS = 10_000
Chat = list[str]
"""The user's turns of one conversation, in order."""


def chats_of(release: Release) -> list[Chat]:
    """The user turns of every conversation."""
    return [[turn.content for turn in c.turns if turn.role == "user"] for split in SPLITS for c in release.conversations(split)]


def reference_chats(path: Path) -> list[Chat]:
    data = json.loads(path.read_text(encoding="utf-8"))
    return [[turn["content"] for turn in entry["full_conversation"] if turn["role"] == "user"] for entry in data]


def words(text: str) -> list[str]:
    return WORD.findall(text.lower().replace("’", "'"))


def sample(chats: Sequence[Chat], bigrams: int) -> list[Chat]:
    """Draw random conversations until their turns hold `bigrams` bigrams."""
    order, found, count = list(chats), [], 0
    random.Random(0).shuffle(order)
    for chat in order:
        if count >= bigrams:
            break
        found.append(chat)
        count += sum(max(len(words(turn)) - 1, 0) for turn in chat)
    return found


def figures(chats: Sequence[Chat]) -> dict[str, float]:
    turns = [turn for chat in chats for turn in chat]
    later = [turn for chat in chats for turn in chat[1:]]
    pairs = [pair for turn in turns for pair in zip(words(turn), words(turn)[1:], strict=False)]
    openings = Counter(" ".join(words(turn)[:2]) for turn in later)
    (opening, most), *_ = openings.most_common(1)
    print(f"    commonest opening of a follow-up: {opening!r}")
    return {
        "bigrams": len(pairs),
        "distinct-2": len(set(pairs)) / len(pairs),
        "commonest two-word opening of follow-ups": most / len(later),
        "follow-ups with an em dash": sum("—" in turn for turn in later) / len(later),
        "median words of a follow-up": sorted(len(words(turn)) for turn in later)[len(later) // 2],
    }


def near_duplicates(turns: Iterable[str]) -> float:
    """Return the share of turns that are near-duplicates of an earlier one."""
    index, seen, alike = MinHashLSH(threshold=THRESHOLD, num_perm=128), 0, 0
    for number, turn in enumerate(turns):
        found = words(turn)
        runs = {" ".join(found[i : i + 3]) for i in range(max(len(found) - 2, 1))}
        digest = MinHash(num_perm=128)
        digest.update_batch([run.encode() for run in runs])
        seen += 1
        if index.query(digest):
            alike += 1
        else:
            index.insert(str(number), digest)
    return alike / seen


@click.command()
@click.option("--release", "directory", type=click.Path(path_type=Path, exists=True), default=None)
@click.option("--reference", type=click.Path(path_type=Path, exists=True), default=None)
def main(directory: Path | None, reference: Path | None) -> None:
    directory = directory or release(300)
    chats = chats_of(open_release(directory, str(directory)))
    theirs = reference_chats(reference) if reference else []
    size = sum(max(len(words(turn)) - 1, 0) for chat in theirs for turn in chat) or 25_900
    for name, found in (("reference", theirs), (str(directory), sample(chats, size))):
        if found:
            print(f"{name}: {len(found):,} conversations")
            for what, value in figures(found).items():
                print(f"    {what}: {value:,.3f}" if isinstance(value, float) else f"    {what}: {value:,}")
    some = sample(chats, 10**12)[:CONVERSATIONS]
    share = near_duplicates(turn for chat in some for turn in chat)
    print(f"near-duplicates among the user turns of {len(some):,} conversations: {share:.1%}")


if __name__ == "__main__":
    main()
