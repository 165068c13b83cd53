"""The engine `lm`: makes shards whose conversations are spoken by language models, many at a time, so that the models' batches stay full.

A conversation continues as soon as its own answer is there, and the next shard begins before the last conversation of this one ends. Every answer is
kept in the response cache, so after a kill the same command repeats what was said without generating it anew.
"""

import atexit
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from generation.executors import Job
from generation.people import Block
from generation.shard import Records, write_shard
from generation.spoken.cast import Cast, streams_of
from generation.spoken.provenance import Utterance, failures_of
from generation.spoken.talk import Talk, perform
from generation.spoken.voiced import voiced
from persona_atlas.models.stream import CachedStream
from persona_atlas.randomness import digest
from persona_atlas.records import Conversation
from persona_atlas.scoring import filling_of
from persona_atlas.tasks.templates import Filling

SPOKEN = ("conversations", "history_noise")
"""The configs whose records are conversations."""
Place = tuple[Block, str, int]
Told = Callable[[Block], tuple[Records, Counter[str]]]
"""Gives the scripted records of a block: from the scripted engine, or from an existing release. It is pickled, to reach other processes."""


@dataclass(frozen=True)
class Speech:
    """How a build is spoken: the cast, the folder of the response cache, and how many conversations run at a time."""

    cast: Cast
    cache: Path
    at_once: int = 128


@dataclass
class Open:
    """A shard in progress. `left`: how many of its conversations are not spoken yet."""

    records: Records
    failures: Counter[str]
    left: int
    utterances: dict[tuple[str, int], list[Utterance]] = field(default_factory=dict)

    def closed(self) -> tuple[Records, Counter[str]]:
        """The records with their provenance, in order, and the failures, which now count refused tries too."""
        said = [one for place in sorted(self.utterances) for one in self.utterances[place]]
        return {**self.records, "provenance": said}, self.failures + failures_of(said)


@dataclass(frozen=True)
class Interleaved:
    """The executor `local` of spoken builds: all models run in this process, and conversations of several shards are interleaved."""

    told: Told
    seed: int
    speech: Speech

    def run(self, job: Job, missing: Sequence[Block], workers: int | None) -> Generator[Block, None, None]:
        """Speak and write the missing shards, and yield each as it is done. Raises ModelError. `workers` is ignored."""
        if not missing:
            return
        with streams_of(self.speech.cast, self.speech.cache) as streams:
            for block, records, failures in spoken(self.told, self.seed, missing, self.speech, streams):
                yield write_shard(job.work, block, records, failures)


def make_spoken(told: Told, seed: int, speech: Speech, work: Path, block: Block) -> Block:
    """Speak and write one shard, in any process. The process loads its models with its first shard and keeps them. Raises ModelError."""
    for _, records, failures in spoken(told, seed, [block], speech, _streams(speech.cast, speech.cache)):
        write_shard(work, block, records, failures)
    return block


_kept = ExitStack()
"""The streams that this process holds open until it ends."""
atexit.register(_kept.close)


@lru_cache(maxsize=1)
def _streams(cast: Cast, cache: Path) -> Mapping[str, CachedStream]:
    return _kept.enter_context(streams_of(cast, cache))


def spoken(
    told: Told, seed: int, blocks: Iterable[Block], speech: Speech, streams: Mapping[str, CachedStream]
) -> Iterator[tuple[Block, Records, Counter[str]]]:
    """Speak the blocks, and yield each with its records and failures as it is done. Raises ModelError."""
    shards: dict[Block, Open] = {}
    for (block, config, number), (conversation, utterances) in perform(_talks(told, seed, blocks, speech.cast, shards), streams, speech.at_once):
        shard = shards[block]
        shard.records[config][number] = conversation
        shard.utterances[config, number] = utterances
        shard.left -= 1
        if not shard.left:
            yield block, *shards.pop(block).closed()


def _talks(
    told: Told, seed: int, blocks: Iterable[Block], cast: Cast, shards: dict[Block, Open]
) -> Iterator[tuple[Place, Talk[tuple[Conversation, list[Utterance]]]]]:
    """A talk for each scripted conversation of the blocks. Puts each block into `shards` when its first talk is asked for.

    Every block has at least one conversation. The longest ones of a block come first, so that none of them is left to run alone at the end.
    """
    for block in blocks:
        records, failures = told(block)
        users = {user.persona_id: user for user in records["users"]}
        tasks: dict[str, list[Filling]] = defaultdict(list)
        for item in records["items"]:
            tasks[item.persona_id].append(filling_of(item))
        shards[block] = Open(records, failures, sum(len(records[config]) for config in SPOKEN))
        places = [(config, number) for config in SPOKEN for number in range(len(records[config]))]
        for config, number in sorted(places, key=lambda place: -len(records[place[0]][place[1]].turns)):
            conversation = records[config][number]
            yield (block, config, number), voiced(conversation, users[conversation.persona_id], cast, seed, tasks[conversation.persona_id])


@lru_cache(maxsize=1)
def agents_digest() -> str:
    """One digest over agents.yaml and words.yaml: what the agents are told, and what the rules look for."""
    root = files("generation.spoken")
    return digest("\n".join(root.joinpath(name).read_text(encoding="utf-8") for name in ("agents.yaml", "words.yaml")))
