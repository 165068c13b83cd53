"""One shard of a release: making the records of a block of users with the scripted engine, and writing them, the marker last.

WORK/test-00003/users.parquet, conversations.parquet, history_noise.parquet, items.parquet, benchmark.parquet, provenance.parquet, shard.json

The last two tables are empty outside test splits and without a language model, respectively.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from generation.benchmark import BenchmarkRequest, benchmark_request
from generation.items import items_of
from generation.noise.history import noise_of
from generation.people import Block, users_of
from generation.scripted import speak
from generation.spoken.provenance import Utterance
from generation.storyline import plan
from persona_atlas import schema, shards
from persona_atlas.records import Conversation, Item, User, to_dict

Records = dict[str, list[Any]]
"""config -> records, in order."""
CONFIGS: dict[str, type] = {
    "users": User,
    "conversations": Conversation,
    "history_noise": Conversation,
    "items": Item,
    "benchmark": BenchmarkRequest,
    "provenance": Utterance,
}
IDS = {
    "users": ("persona_id",), "conversations": ("conversation_id",), "history_noise": ("conversation_id",), "items": ("item_id",),
    "benchmark": ("request_id",), "provenance": ("conversation_id", "turn"),
}  # fmt: skip
"""Config -> the columns that together identify a row."""
UNLABELLED = ("benchmark",)
"""The configs without a JSON Schema. They hold nothing that other configs do not hold."""


def scripted_records(seed: int, block: Block) -> tuple[Records, Counter[str]]:
    """The records of a block in the words of the scripted engine, and the number of failures by reason."""
    records: Records = {name: [] for name in CONFIGS}
    failures: Counter[str] = Counter()
    for user in users_of(seed, block):
        storyline = plan(seed, user)
        conversations, failed = speak(seed, user, storyline)
        noise = noise_of(seed, user, storyline) if user.split != "train" else []
        items, left_out = items_of(seed, user, storyline, conversations, noise)
        failures.update(failed + left_out)
        records["users"].append(user)
        records["conversations"].extend(conversations)
        records["history_noise"].extend(noise)
        records["items"].extend(items)
    return records, failures


def write_shard(work: Path, block: Block, records: Records, failures: Counter[str]) -> Block:
    """Validate and write the records of a shard, adding the benchmark requests of a test split. Raises SchemaError if a record is wrong."""
    if block.split.startswith("test"):
        records["benchmark"] = _requests(records["items"], records["conversations"])
    folder = folder_of(work, block)
    for name, kind in CONFIGS.items():
        for record in records[name]:
            if name not in UNLABELLED:
                schema.validate(kind.__name__.lower(), to_dict(record))
        shards.write_records(folder / f"{name}.parquet", kind, records[name])
    marker = {
        "digests": {name: [shards.record_digest(record) for record in found] for name, found in records.items()},
        "failures": dict(failures),
    }
    shards.write_text(folder / "shard.json", json.dumps(marker))
    return block


def _requests(items: list[Item], conversations: list[Conversation]) -> list[BenchmarkRequest]:
    of_user: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        of_user.setdefault(conversation.persona_id, []).append(conversation)
    return [benchmark_request(item, of_user.get(item.persona_id, [])) for item in items]


def joined_ids(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """The id of each row, from its columns in IDS: their values as text, with a colon between."""
    texts = [column.cast(pa.string()) for column in columns]
    return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, ":")


def folder_of(work: Path, block: Block) -> Path:
    return work / f"{block.split}-{block.number:05d}"


def marker_of(work: Path, block: Block) -> Path:
    """The file whose existence says that the shard is done."""
    return folder_of(work, block) / "shard.json"


def read_marker(work: Path, block: Block) -> dict[str, Any]:
    """What shard.json holds: the digests of the shard's records, by config, and how often something failed, by reason."""
    found: dict[str, Any] = json.loads(marker_of(work, block).read_text(encoding="utf-8"))
    return found
