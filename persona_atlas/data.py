"""Open a release: a folder of Parquet files with a manifest, found by path, by name, in this package, or on the Hub."""

import json
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from persona_atlas import older, schema, shards
from persona_atlas.protocol import Message
from persona_atlas.randomness import generator
from persona_atlas.records import IMPORTED, SCHEMA_VERSION, SPLITS, Conversation, Item, User, from_dict
from persona_atlas.shards import DataError as DataError

SMALL = "small_release"


@dataclass(frozen=True)
class Release:
    """A release on disk. `source` says where it was found. Records are read when asked for."""

    path: Path
    source: str
    manifest: Mapping[str, Any]

    @property
    def schema_version(self) -> int:
        """The schema version in which the release was written. Records of an older version are migrated as they are read."""
        return int(self.manifest["schema_version"])

    @property
    def imported(self) -> bool:
        """Whether the release was made from somebody else's data: it then has no reveals, no task bank and no witnesses."""
        return self.manifest.get("source") == IMPORTED

    def users(self, split: str) -> list[User]:
        """The users of a split. Raises DataError if there is no such split, as the methods for the other records do."""
        return self._read("users", split, User)

    def items(self, split: str) -> list[Item]:
        """The items of a split: who asks what, and the gold."""
        return self._read("items", split, Item)

    def item_ids(self, split: str) -> list[tuple[str, str]]:
        """The user and the id of every item of a split, in the order of `items`, read much faster than these."""
        path = self._file("items", split)
        return shards.read_columns(path, "persona_id", "item_id") if path else []

    def items_at(self, split: str, places: Sequence[int]) -> list[Item]:
        """The items at these places in `items`, ascending."""
        path = self._file("items", split)
        if path is None or self.schema_version != SCHEMA_VERSION:
            found = self.items(split)
            return [found[place] for place in places]
        return [shards.from_row(Item, row) for row in shards.read_rows(path, np.array(places, dtype=np.int64))]

    def conversations(self, split: str) -> list[Conversation]:
        """The conversations of a split's users, without the noise conversations."""
        return self._read("conversations", split, Conversation)

    def history_noise(self, split: str) -> list[Conversation]:
        """The noise conversations of a split, which can be mixed into its users' histories."""
        return self._read("history_noise", split, Conversation)

    def dataset(self, config: str = "conversations") -> Any:
        """The records of `config` as a `datasets.DatasetDict`. Those of an older schema version are not migrated."""
        import datasets

        return datasets.load_dataset(str(self.path), config)

    def file(self, config: str, split: str) -> Path | None:
        """The file with the records of one config and split; None unless the manifest lists it, since no hash vouches for any other file."""
        name = f"data/{config}/{split}.parquet"
        return self.path / name if any((entry["path"], entry["config"]) == (name, config) for entry in self.manifest["files"]) else None

    @cached_property
    def _conversations(self) -> dict[str, dict[str, Conversation]]:
        return {}

    def conversation(self, split: str, conversation_id: str) -> Conversation:
        """One conversation by its id, noise or not. Raises KeyError if the split has none with that id."""
        if split not in self._conversations:
            self._conversations[split] = {found.conversation_id: found for found in (*self.conversations(split), *self.history_noise(split))}
        return self._conversations[split][conversation_id]

    def _file(self, config: str, split: str) -> Path | None:
        if split not in SPLITS:
            raise DataError(f"there is no split {split!r}; splits are {', '.join(SPLITS)}")
        return self.file(config, split)

    def _read(self, config: str, split: str, kind: type) -> list[Any]:
        path = self._file(config, split)
        if path is None:
            return []
        if self.schema_version == SCHEMA_VERSION:
            return list(shards.read_records(path, kind))
        try:
            return [from_dict(kind, record) for record in older.records(self.path, config, split, self.schema_version)]
        except schema.SchemaError as error:
            raise DataError(_too_old(self.path, self.schema_version, error)) from None


def history(item: Item, release: Release) -> tuple[Conversation, ...]:
    """The conversations before the item, oldest first."""
    return tuple(release.conversation(item.split, conversation_id) for conversation_id in item.history)


def noisy_history(item: Item, release: Release, share: float) -> tuple[Conversation, ...]:
    """The history with noise conversations mixed in, so that they make up `share` of the whole, as nearly as whole conversations allow.

    The first noise conversations that the item names are taken, and each is put at its session. All are taken if there are too few.
    """
    clean = history(item, release)
    number = min(round(len(clean) * share / (1 - share)), len(item.history_noise))
    noise = [release.conversation(item.split, conversation_id) for conversation_id in item.history_noise[:number]]
    return tuple(sorted([*clean, *noise], key=lambda conversation: (conversation.session, conversation.noise != "")))


def thinned_history(item: Item, release: Release, share: float) -> tuple[Conversation, ...]:
    """The history with only `share` of the user turns that reveal something. The item's id seeds the draw.

    What follows a removed turn answers it, so the conversation ends before that turn, and is dropped if nothing is left of it. What one share
    removes, every smaller share removes, too.
    """
    kept = [list(conversation.turns) for conversation in history(item, release)]
    revealing = [[place for place, turn in enumerate(turns) if turn.reveals] for turns in kept]
    wanted = math.floor(share * sum(map(len, revealing)) + 0.5)
    draw = generator(0, "thinned history", item.item_id)
    while (left := sum(map(len, revealing))) > wanted:
        where = int(draw.choice(len(kept), p=[len(places) / left for places in revealing]))
        del kept[where][revealing[where].pop() :]
    return tuple(replace(conversation, turns=tuple(turns)) for conversation, turns in zip(history(item, release), kept, strict=True) if turns)


def messages(conversations: Iterable[Conversation]) -> tuple[tuple[Message, ...], ...]:
    """What an optimizer is shown of conversations: roles and texts, without labels."""
    return tuple(tuple(Message(turn.role, turn.content) for turn in conversation.turns) for conversation in conversations)


def load_dataset(name: str = "persona-atlas") -> Release:
    """Open a release.

    `name` is a path, or the name of a folder in the working directory. If there is no folder `persona-atlas`, that name opens the small release
    inside this package, and `source` says so. `owner/name`, if it is not a folder, is downloaded from the Hugging Face Hub. Raises DataError.
    """
    path = Path(name)
    with _readable(path):
        is_folder, may_be_on_the_hub = path.is_dir(), name.count("/") == 1 and not name.startswith((".", "/", "~")) and not path.parent.is_dir()
    if is_folder:
        return open_release(path, f"folder {name}")
    if name == "persona-atlas":
        return open_release(Path(str(files("persona_atlas").joinpath(SMALL))), "small release in the package persona_atlas")
    if may_be_on_the_hub:
        return open_release(_from_hub(name), f"Hugging Face Hub, {name}")
    raise DataError(f"there is no folder {name!r}; give a release folder, or build one: atlas-generate build --users 100 --seed 0 --out {name}")


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return Path(snapshot_download(name, repo_type="dataset"))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DataError(f"{name!r} is no folder here and could not be fetched from the Hub ({reason}); give the path of a release folder") from None


def open_release(path: Path, source: str) -> Release:
    """Open a release folder and check it against its manifest: version, files, hashes. Raises DataError."""
    with _readable(path):
        return _opened(path, source)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raise DataError if the system refuses the block something of the release at `path`."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read ({error.strerror or error}); mend that, or give another release folder") from None


def _opened(path: Path, source: str) -> Release:
    if not path.is_dir():
        raise DataError(f"there is no folder {str(path)!r}; give a release folder")
    if any("\ud800" <= sign <= "\udfff" for sign in str(path)):
        raise DataError(f"the name of the folder {str(path)!r} is not UTF-8, which no Parquet reader takes; give it another one")
    file = path / "manifest.json"
    if not file.is_file():
        if (path / ".building").is_dir():
            raise DataError(f"{path} is a build that did not finish; run the same atlas-generate build command again to go on")
        raise DataError(f"{path} holds no manifest.json, so it is no release; build one: atlas-generate build --users 100 --seed 0 --out {path}")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is not readable as JSON ({error}); restore it or build the release again") from None
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if not isinstance(version, int):
        version = SCHEMA_VERSION  # validation against its schema then says what is wrong
    if version > SCHEMA_VERSION:
        raise DataError(f"{path} has schema version {version}, this package reads up to {SCHEMA_VERSION}: pip install --upgrade persona-atlas")
    if not older.migratable(version):
        raise DataError(_too_old(path, version))
    try:
        schema.validate("manifest", manifest, version)
    except schema.SchemaError as error:
        raise DataError(f"{file}: {error}" if version == SCHEMA_VERSION else _too_old(path, version, error)) from None
    if shards.content_digest(entry["content_digest"] for entry in manifest["files"]) != manifest["content_digest"]:
        raise DataError(f"{file} was edited (its content digest is not that of its files); copy it again or rebuild the release")
    for entry in manifest["files"]:
        _check_file(path, entry)
    if version < SCHEMA_VERSION:
        source = _migrated(path, source, manifest)
    return Release(path, source, manifest)


def _migrated(path: Path, source: str, manifest: Mapping[str, Any]) -> str:
    """Warn that a release of an older version is migrated, and return its source with a note of it. Raises DataError if it cannot be migrated."""
    version = manifest["schema_version"]
    try:
        older.check(path, manifest)
    except schema.SchemaError as error:
        raise DataError(_too_old(path, version, error)) from None
    warnings.warn(f"{path} has schema version {version}; its records are migrated to version {SCHEMA_VERSION} as they are read", stacklevel=4)
    return f"{source}, migrated from schema version {version}"


def _too_old(path: Path, version: int, reason: object = "") -> str:
    why = f" ({reason})" if reason else ""
    return f"{path} has schema version {version}, this package reads {SCHEMA_VERSION}{why}; build it again with atlas-generate build"


def _check_file(path: Path, entry: Mapping[str, Any]) -> None:
    file = path / entry["path"]
    if Path(entry["path"]).is_absolute() or ".." in Path(entry["path"]).parts:
        raise DataError(f"{path}: the manifest names {entry['path']}, which is outside the folder; copy it again or rebuild the release")
    if not file.is_file():
        raise DataError(f"{path} is torn: {entry['path']} is in the manifest but not in the folder; copy it again or rebuild the release")
    if shards.file_sha256(file) != entry["sha256"]:
        raise DataError(
            f"{path}: {entry['path']} was changed after it was built (its hash differs from the manifest); copy it again or rebuild the release"
        )
