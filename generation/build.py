"""Builds a release: blocks of users to shards, shards to Parquet files, the manifest last.

    OUT/.building/config.json          what is being built; once a shard is done, a build with another configuration is refused
    OUT/.building.lock                 held by the running build, so that no other goes on with it or replaces it
    OUT/.building/test-00003/          one shard: users.parquet, conversations.parquet and so on, one file per config, and shard.json, written last
    OUT/data/items/test.parquet ...    the release, put in place when all shards are there
    OUT/README.md, OUT/manifest.json   written last

Within a configuration, a shard depends on its block alone. So the number of workers, the order in which they finish and interruptions change nothing,
and a kill loses at most the shards that are being made.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from socket import gethostname
from typing import Any

from generation import workfolder
from generation.card import card
from generation.executors import Executor, ExecutorError, Job
from generation.executors.local import Local
from generation.manifest import check_described
from generation.people import Block, blocks
from generation.private import SPLITS as PRIVATE_SPLITS
from generation.private import PrivateBank
from generation.said import using
from generation.shard import CONFIGS, folder_of, marker_of, read_marker, scripted_records, write_shard
from generation.spoken.engine import Interleaved, Speech, Told, agents_digest, make_spoken
from generation.spoken.revoice import kept_records, users_by_split
from generation.workfolder import BuildError
from persona_atlas import schema, shards
from persona_atlas.randomness import digest
from persona_atlas.records import SCHEMA_VERSION, SPLITS, canonical_json
from persona_atlas.scoring import SCORER_VERSION

GENERATOR_VERSION = "2"
DATASET_VERSION = "9.0.0"
"""The version of the data: raised when the banks or the code make something else of the same configuration (docs/versions.md)."""
LOCAL = Local()
BANKS = (
    ("persona_atlas.preferences", ""), ("persona_atlas.preferences", "dimensions"), ("persona_atlas.tasks", "bank"), ("persona_atlas.render", ""),
    ("generation", "data"),
)  # fmt: skip
"""The packages and folders with the banks that a scripted release is made of."""
SHARES = {"train": 0.5, "validation": 0.1, "test": 0.3, "test_ood": 0.1}


@dataclass(frozen=True)
class Config:
    """What determines a release's content, besides the code and the banks."""

    users: int
    seed: int
    speech: Speech | None = None
    """Who speaks; None: the scripted engine."""
    source: Path | None = None
    """The release whose conversations are said again in other words; None: the scripted engine makes them."""
    source_digest: str = ""
    only: str | None = None
    """The one split of `source` that is said again; None: all."""
    private: PrivateBank | None = None
    """The bank that test users speak from; None: the banks in the package."""

    @property
    def drawn(self) -> int:
        """The seed of every draw. With a private bank it depends on the bank's salt, and is unknown to anyone without it."""
        return self.seed if self.private is None else self.private.seed(self.seed)

    def told(self) -> Told:
        """What makes the records of a block, before any language model speaks."""
        return partial(scripted_records, self.drawn) if self.source is None else partial(kept_records, self.source)

    def counts(self) -> dict[str, int]:
        """Users per split. Raises BuildError if they are too few."""
        if self.source is not None:
            return users_by_split(self.source, self.only)
        return split_counts(self.users, () if self.private is None else self.private.splits)

    def described(self) -> dict[str, Any]:
        """What the manifest says about the configuration."""
        cast = {"engine": "lm", "cast": self.speech.cast.described()} if self.speech else {}
        again = {"revoiced": self.source_digest} if self.source else {}
        return {"users": self.users, "seed": self.seed, **cast, **again}

    def written(self) -> dict[str, Any]:
        """What config.json holds: `described`, and the split and digests of models' arguments and bank, so that a difference can be named."""
        bank = {"private": self.private.digest} if self.private else {}
        return {**self.described(), **self._part(), **self._arguments(), **bank, "config_digest": self.digest}

    @property
    def digest(self) -> str:
        return digest(canonical_json({**self.described(), **self._part(), **self._arguments(), **self.versions()}))

    def versions(self) -> dict[str, Any]:
        """The versions of the code and the banks that make the release."""
        agents = {"agents": agents_digest()} if self.speech else {}
        bank = {"private": self.private.digest} if self.private else {}
        code = {"generator": GENERATOR_VERSION, "dataset": DATASET_VERSION, "scorer": SCORER_VERSION, "schema": SCHEMA_VERSION}
        return {**code, "banks": banks_digest(), **agents, **bank}

    def _part(self) -> dict[str, str]:
        return {"split": self.only} if self.only else {}

    def _arguments(self) -> dict[str, Any]:
        return {"arguments": self.speech.cast.deciding()} if self.speech else {}


def split_counts(users: int, private: Sequence[str] = ()) -> dict[str, int]:
    """Users per split, by SHARES. What rounding leaves over goes to train, and so do the users of a test split that a private bank does not cover.

    Raises BuildError for fewer than ten users.
    """
    if users < 10:
        raise BuildError(f"{users} users do not fill four splits; ask for at least --users 10")
    left_out = [split for split in PRIVATE_SPLITS if private and split not in private]
    counts = {split: int(users * share + 1e-9) for split, share in SHARES.items() if split not in left_out}
    counts["train"] += users - sum(counts.values())
    return counts


@lru_cache(maxsize=1)
def banks_digest() -> str:
    """One digest over every data file that records are made from: catalogue, tasks, rendering, people, noise."""
    texts = []
    for package, folder in BANKS:
        root = files(package).joinpath(folder) if folder else files(package)
        texts += sorted((path.name, path.read_text(encoding="utf-8")) for path in root.iterdir() if path.name.endswith(".yaml"))
    return digest(canonical_json(texts))


def build(config: Config, out: Path, workers: int | None, progress: Callable[[int, int], None], executor: Executor = LOCAL) -> dict[str, Any]:
    """Build the release into `out` and return its manifest. `progress(done, total)` counts shards.

    Raises BuildError, ExecutorError, SchemaError if the manifest could not describe the configuration, and what making a shard raises.
    """
    if config.private and (config.speech or config.source):
        raise BuildError("a private bank is spoken by the scripted engine alone; leave out --engine lm, or --private")
    counts = config.counts()
    check_described(config.described())
    with workfolder.held(out):
        if workfolder.finished(out, config.written()):
            manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
            return manifest
        work = workfolder.opened(out, config.written()).absolute()
        make = partial(make_spoken, config.told(), config.seed, config.speech, work) if config.speech else partial(make_shard, config, work)
        job = Job(work, make, partial(marker_of, work), partial(_agree, config, work, config.versions()))
        if config.speech and executor == LOCAL:
            executor = Interleaved(config.told(), config.seed, config.speech)
        todo = blocks(counts)
        _make(job, todo, workers, progress, executor)
        return _finish(config, out, work, todo)


def _make(job: Job, todo: list[Block], workers: int | None, progress: Callable[[int, int], None], executor: Executor) -> None:
    """Make the shards that are missing."""
    missing = [block for block in todo if not job.marker(block).is_file()]
    done = len(todo) - len(missing)
    progress(done, len(todo))
    with closing(executor.run(job, missing, workers)) as made:
        for _ in made:
            done += 1
            progress(done, len(todo))


def _agree(config: Config, work: Path, wanted: Mapping[str, Any]) -> None:
    """Raise ExecutorError on a machine that does not see the work folder, or whose generator, schema or banks would make other shards."""
    if not work.is_dir():
        raise ExecutorError(f"{gethostname()} does not see {work}; give an --out on a file system that all nodes share, under the same path")
    if config.versions() != wanted:
        raise ExecutorError(f"{gethostname()} has another version of persona-atlas than this machine; install the same on every node")


def make_shard(config: Config, work: Path, block: Block) -> Block:
    """Make and write one shard with the scripted engine. Raises SchemaError if a record is invalid."""
    with using(config.private):
        return write_shard(work, block, *scripted_records(config.drawn, block))


def _finish(config: Config, out: Path, work: Path, done: list[Block]) -> dict[str, Any]:
    """Join the shards, write card and manifest, and remove the work folder. What a killed attempt left of them is removed first."""
    workfolder.clear(out)
    entries: list[dict[str, Any]] = []
    for name in CONFIGS:
        for split in SPLITS:
            mine = [block for block in done if block.split == split]
            parts = [folder_of(work, block) / f"{name}.parquet" for block in mine]
            rows = sum(map(shards.count_rows, parts))
            if not rows:
                continue
            path = out / "data" / name / f"{split}.parquet"
            shards.merge(parts, path)
            digests = (entry for block in mine for entry in read_marker(work, block)["digests"][name])  # one marker at a time in memory
            entries.append({
                "path": path.relative_to(out).as_posix(), "config": name, "split": split, "rows": rows,
                "content_digest": shards.content_digest(digests), "sha256": shards.file_sha256(path),
            })  # fmt: skip
    failures: Counter[str] = Counter()
    for block in done:
        failures.update(read_marker(work, block)["failures"])
    manifest = {
        "dataset_version": DATASET_VERSION,
        "schema_version": SCHEMA_VERSION,
        "generator_version": GENERATOR_VERSION,
        "scorer_version": SCORER_VERSION,
        "config": config.described(),
        "config_digest": config.digest,
        "catalog_digest": banks_digest(),
        "content_digest": shards.content_digest(entry["content_digest"] for entry in entries),
        "files": entries,
        "failures": dict(sorted(failures.items())),
        **({"private": True, "bank_digest": config.private.digest} if config.private else {}),
    }
    schema.validate("manifest", manifest)
    shards.write_text(out / "README.md", card(manifest))
    shards.write_text(out / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    shutil.rmtree(work)
    return manifest
