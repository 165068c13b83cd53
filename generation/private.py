"""A private bank: unpublished phrasings and frames in which test users say what they want (MEASUREMENT 7; docs/held-out.md).

A bank is a YAML file, or a folder of YAML files that are read as one. Its lines are written nowhere but into the records made from it.

    salt: 9d1f0c…                                  # at least 16 characters; whoever knows it and the seed can draw the users
    phrasings:                                     # dimension (hard: the hard constraints) -> value -> split -> kind -> lines
      structure:
        bulleted:
          test: {explicit: [...], request: [...], complaint: [...], praise: [...]}
    frames:                                        # split -> kind -> frames that hold {request}, as in generation/data/frames.yaml
      test: {standing: [...], scoped: [...], change: [{event: new_job, text: ...}], ...}

It covers `test`, and perhaps `test_ood`. For each of these it has every value and kind that the catalogue has there, and no line that the package has
in any split.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Any

import regex

from generation.banks import FRAMES, PRESUMES, frames
from persona_atlas.content import CatalogError, need, read_lines, read_yaml
from persona_atlas.ppopt import bank as ppopt_bank
from persona_atlas.preferences.catalog import HARD_KINDS, KINDS, SHARED_KINDS, load_catalog
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json

SPLITS = ("test", "test_ood")
"""The splits that may be private."""
LEAST = {**SHARED_KINDS, **KINDS, **HARD_KINDS}
FEWEST = 4
SALT = 16
"""The smallest number of characters in a salt."""
REPEATED = 0.75
"""A line that contains this share of a phrasing's three-word runs repeats it. The control `bank_reader` recognizes phrasings by the same measure."""
WORD = regex.compile(r"[\w']+")
SLOTS = {"scoped": {"area": "area"}, "only": {"area": "area"}, "other_person": {"name": "name"}}
"""Kind of frame -> the slots that it may have besides {request} and {Request}."""
Run = tuple[str, ...]
Meaning = tuple[str, str]
"""Dimension and value, or `hard` and constraint."""
Lines = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class PrivateBank:
    """A checked bank. `phrasings`: meaning -> split -> kind -> lines; `frames`: split -> kind -> frames."""

    salt: str
    phrasings: Mapping[Meaning, Mapping[str, Lines]]
    frames: Mapping[str, Mapping[str, Any]]

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.frames)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all lines and the salt together, so that a guessed line cannot be checked against it."""
        lines = {" ".join(meaning): splits for meaning, splits in self.phrasings.items()}
        return digest(canonical_json({"salt": self.salt, "phrasings": lines, "frames": self.frames}))

    def seed(self, seed: int) -> int:
        """The seed from which a release is really drawn. Without the salt nobody can redraw its users, and so the gold of its items."""
        return int(digest(canonical_json({"salt": self.salt, "seed": seed}))[:32], 16)


def wanted(split: str) -> Iterator[tuple[Meaning, tuple[str, ...]]]:
    """Every meaning that the catalogue has for a split, with its kinds of phrasings."""
    catalog = load_catalog()
    for dimension in catalog.dimensions.values():
        if split in dimension.splits:
            for value in dimension.values.values():
                yield (dimension.id, value.id), tuple(value.phrasings[split])
    for constraint in catalog.hard.values():
        if split in constraint.phrasings:
            yield ("hard", constraint.id), tuple(constraint.phrasings[split])


def read_private(path: Path) -> PrivateBank:
    """Read and check a bank. Raises CatalogError, which says what is wrong and where."""
    return checked(_joined(path), path.name)


def checked(data: Any, file: str) -> PrivateBank:
    """Turn parsed YAML into a bank, checking everything. Raises CatalogError."""
    need(data, {"salt": str, "phrasings": dict, "frames": dict}, file)
    if len(data["salt"]) < SALT:
        raise CatalogError(f"{file}: the salt has {len(data['salt'])} characters, wanted at least {SALT}; atlas-generate private-template makes one")
    splits = tuple(split for split in SPLITS if split in data["frames"])
    if unknown := [split for split in data["frames"] if split not in SPLITS]:
        raise CatalogError(f"{file}, frames: {unknown[0]!r} is no split that can be private, wanted {' and '.join(SPLITS)}")
    if "test" not in splits:
        raise CatalogError(f"{file}, frames: there are none for the split test; add them")
    bank = PrivateBank(data["salt"], _phrasings(data["phrasings"], splits, file), {split: _frames(data["frames"], split, file) for split in splits})
    _disjoint(bank, file)
    _apart(bank, file)
    return bank


def _joined(path: Path) -> dict[str, Any]:
    """The content of the file, or of all files of the folder merged. Raises CatalogError."""
    files = _files(path)
    if not files:
        raise CatalogError(f"{path} holds no .yaml file; begin a bank with atlas-generate private-template")
    found: dict[str, Any] = {"phrasings": {}, "frames": {}}
    for file in files:
        try:
            part = read_yaml(file)
        except (UnicodeDecodeError, OSError) as error:
            raise CatalogError(f"{file.name}: not readable as text ({error})") from None
        need(part, {}, file.name, {"salt": str, "phrasings": dict, "frames": dict})
        for key, value in part.items():
            if key == "salt":
                if "salt" in found:
                    raise CatalogError(f"{file.name}: the bank has a salt already; keep one")
                found["salt"] = value
                continue
            for name, inner in value.items():
                if name in found[key]:
                    raise CatalogError(f"{file.name}: {key} for {name} stand in another file too; keep one")
                found[key][name] = inner
    return found


def _files(path: Path) -> list[Path]:
    try:
        if not path.exists():
            raise CatalogError(f"there is no private bank {str(path)!r}; begin one with atlas-generate private-template --out {path}")
        return sorted(file for file in path.iterdir() if file.name.endswith(".yaml")) if path.is_dir() else [path]
    except OSError as error:
        raise CatalogError(f"the private bank {path} cannot be read ({error.strerror or error}); mend that, or give another --private") from None


def _phrasings(data: Mapping[str, Any], splits: tuple[str, ...], file: str) -> dict[Meaning, dict[str, Lines]]:
    found: dict[Meaning, dict[str, Lines]] = {}
    for split in splits:
        for meaning, kinds in wanted(split):
            where = f"{file}, {' '.join(meaning)}, {split}"
            lines: Any = data
            for key in (*meaning, split):
                lines = lines.get(key) if isinstance(lines, dict) else None
                if lines is None:
                    raise CatalogError(f"{where}: there are no phrasings, and the catalogue has {', '.join(kinds)}; add them")
            need(lines, dict.fromkeys(kinds, list), where)
            found.setdefault(meaning, {})[split] = {kind: read_lines(lines[kind], LEAST[kind], f"{where}, {kind}") for kind in kinds}
    for path in _paths(data):
        if len(path) < 3 or path[2] not in found.get((path[0], path[1]), {}):
            raise CatalogError(f"{file}: the catalogue has no {' '.join(path)}, or frames lack that split; take it out")
    return found


def _paths(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """(dimension, value, split) of everything in the data; shorter where a level is empty or is not a mapping."""
    for dimension, values in data.items():
        if not isinstance(values, dict) or not values:
            yield (str(dimension),)
            continue
        for value, splits in values.items():
            named = splits if isinstance(splits, dict) else {}
            yield from ((str(dimension), str(value), str(split)) for split in named)
            if not named:
                yield str(dimension), str(value)


def _frames(data: Mapping[str, Any], split: str, file: str) -> dict[str, Any]:
    where, found = f"{file}, frames, {split}", data[split]
    need(found, {**dict.fromkeys(FRAMES, list), "change": list, "only": list}, where)
    kept: dict[str, Any] = {kind: read_lines(found[kind], FEWEST, f"{where}, {kind}") for kind in (*FRAMES, "only")}
    events = {entry["event"] for shipped in frames().values() for entry in shipped["change"]}
    for entry in found["change"]:
        need(entry, {"event": str, "text": str}, f"{where}, change")
        if entry["event"] not in events:
            raise CatalogError(f"{where}, change: there is no event {entry['event']!r}, wanted {', '.join(sorted(events))}")
    kept["change"] = [{"event": entry["event"], "text": entry["text"]} for entry in found["change"]]
    read_lines([entry["text"] for entry in kept["change"]], FEWEST, f"{where}, change")
    if all(PRESUMES.search(line) for line in kept["once"]):
        raise CatalogError(f"{where}, once: every frame speaks of a rule (usually, normally, after that); add one that fits where there is no rule")
    for kind, lines in kept.items():
        for line in lines:
            _check_frame(line["text"] if kind == "change" else line, kind, f"{where}, {kind}")
    return kept


def _check_frame(line: str, kind: str, where: str) -> None:
    slots = SLOTS.get(kind, {})
    if kind != "only" and "{request}" not in line and "{Request}" not in line:
        raise CatalogError(f"{where}: {line!r} holds no {{request}}; say where the wish goes")
    if "area" in slots and "{area}" not in line:
        raise CatalogError(f"{where}: {line!r} holds no {{area}}; say where the domains go")
    try:
        braces = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(line) if name is not None]
    except ValueError:  # a brace without its other half
        braces = [("", "", "")]
    if not set(braces) <= {(name, "", None) for name in ("request", "Request", *slots)}:
        raise CatalogError(f"{where}: {line!r} holds a brace that is no slot, wanted {{request}} and what its kind has besides")


def _disjoint(bank: PrivateBank, file: str) -> None:
    """Raise CatalogError if a line is in the package, in any split, or twice in the bank."""
    shipped = {ppopt_bank.key(line) for line in _shipped()}
    seen: dict[str, str] = {}
    for where, line in _lines(bank):
        key = ppopt_bank.key(line)
        if key in shipped:
            raise CatalogError(f"{file}, {where}: {line!r} stands in the package, where everybody can read it; reword it")
        if key in seen:
            raise CatalogError(f"{file}, {where}: {line!r} stands in {seen[key]} too; reword one")
        seen[key] = where


def _apart(bank: PrivateBank, file: str) -> None:
    """Raise CatalogError if a line repeats most of a phrasing of the package: whoever searches for that phrasing would find the line."""
    shipped = {line: _runs(line) for line in _shipped_phrasings()}
    holding: dict[Run, list[str]] = defaultdict(list)
    for line, runs in shipped.items():
        for run in runs:
            holding[run].append(line)
    for where, line in _lines(bank):
        hits = Counter(other for run in _runs(line) for other in holding.get(run, ()))
        if near := next((other for other, count in hits.items() if count >= REPEATED * len(shipped[other])), None):
            raise CatalogError(f"{file}, {where}: {line!r} repeats most of {near!r}, which stands in the package; say it in other words")


def _runs(text: str) -> set[Run]:
    """The three-word runs of a text; if it has fewer than three words, all of them as one run."""
    words = WORD.findall(text.lower())
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)} or {tuple(words)}


def _lines(bank: PrivateBank) -> Iterator[tuple[str, str]]:
    for meaning, splits in bank.phrasings.items():
        for split, kinds in splits.items():
            yield from ((f"{' '.join(meaning)}, {split}, {kind}", line) for kind, lines in kinds.items() for line in lines)
    for split, by_kind in bank.frames.items():
        yield from ((f"frames, {split}, {kind}", line) for kind, line in _of_frames(by_kind))


def _shipped() -> Iterator[str]:
    """Every phrasing and frame of the package, including those that PPOpt is trained with."""
    yield from _shipped_phrasings()
    yield from (line for lines in ppopt_bank.frames().values() for line in lines)
    yield from (line for by_kind in frames().values() for _, line in _of_frames(by_kind))


def _shipped_phrasings() -> Iterator[str]:
    yield from ppopt_bank.of_the_catalogue()
    yield from (line for kinds in ppopt_bank.phrasings().values() for lines in kinds.values() for line in lines)


def _of_frames(by_kind: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, lines in by_kind.items():
        yield from ((kind, line if isinstance(line, str) else line["text"]) for line in lines)
