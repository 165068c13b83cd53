"""Packs a finished run of the suite core for the leaderboard, as DIR/<optimizer>/<run_id>/ with

    submission.json   written last: who submits, versions, environment, and the size and SHA-256 of the others (schema/v2/submission.json)
    run.json          the configuration, without paths of this machine
    samples.jsonl     every sample, in the order of condition, arm and item
    repeats.jsonl     the same for the items that were answered again, if there are any
    results.json      derived anew from the samples

The run's id is a digest of its configuration and samples. A run that is limited, unfinished, edited, made with other settings or not ranked is
refused, with the reason.
"""

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import regex

from eval_harness import claims as claimed
from eval_harness import publishing, recomputed
from eval_harness.claims import Claims
from eval_harness.coverage import expected, expected_repeats
from eval_harness.errors import EvalError
from eval_harness.finished import Run, finished_results
from eval_harness.results import derive
from eval_harness.runfolder import Key, Sample, read_run
from eval_harness.spent import read_fit
from eval_harness.suites import CORE, Suite
from persona_atlas import schema, shards
from persona_atlas.data import Release
from persona_atlas.randomness import digest
from persona_atlas.records import SCHEMA_VERSION, canonical_json
from persona_atlas.scoring import SCORER_VERSION

SUBMISSION_VERSION = 1
LARGEST: Mapping[str, int] = {
    "submission.json": 2**16, "run.json": 2**18, "results.json": 2**22, "samples.jsonl": 2**26, "repeats.jsonl": 2**24,
}  # fmt: skip
"""The files that a submission may hold, with the most bytes of each. All but repeats.jsonl are required."""
LONGEST_LINE, MOST_LINES = 2**20, 100_000
"""The most bytes of a sample, and the most lines of a file."""
PACKAGES = ("numpy", "scipy", "regex", "py3langid", "lm-eval", "openvino-genai", "torch", "transformers", "vllm")
"""Packages on which answers or scores depend. Those that are installed are recorded with their versions."""
SAID = 3
"""How many faults of one kind a message names."""


@dataclass(frozen=True)
class Entry:
    """What the submitter says about a run. All of it is published. `training` says what data the optimizer was trained on."""

    name: str
    link: str
    contact: str
    training: str


def pack(run: Run, release: Release, entry: Entry, out: Path, suite: Suite = CORE) -> Path:
    """Write the run's submission below `out` and return its folder. Raises EvalError that says what is missing or wrong."""
    _check_entry(entry)
    claims = _checked(run, release, suite)
    texts = {
        "run.json": _pretty({"config": claims.config, "config_digest": digest(canonical_json(claims.config)), "dataset": _dataset(run)}),
        "samples.jsonl": _lines(claims.samples),
        **({"repeats.jsonl": _lines(claims.repeats)} if claims.repeats else {}),
        "results.json": _pretty(claims.results),
    }
    files = {name: {"bytes": len(data), "sha256": digest(text)} for name, text in texts.items() if (data := text.encode())}
    record = {**submission_of(entry, claims, files), "fit": read_fit(run.path)}
    _refuse(run.path, _too_large(files, texts))
    _refuse(run.path, _misformed("submission", record, "submission.json"))
    folder = out / folder_name(claims.optimizer) / record["run_id"]
    for name, text in {**texts, "submission.json": _pretty(record)}.items():
        shards.write_text(folder / name, text)
    return folder


def folder_name(optimizer: str) -> str:
    """The name of the folder for an optimizer's submissions: `module:Best` goes into module-Best."""
    return regex.sub(r"[^A-Za-z0-9._-]+", "-", optimizer)


def _checked(run: Run, release: Release, suite: Suite) -> Claims:
    """What the run claims, in publishable form, with results derived anew. Raises EvalError for whatever is wrong with it."""
    config = _config(run)
    _refuse(run.path, claimed.other_settings(config, suite))
    _refuse(run.path, claimed.other_versions(config))
    items = run.items(release)
    samples = _in_order(publishing.public_samples(run.samples), expected(config, items, release))
    repeats = _in_order(publishing.public_samples(run.repeats), expected_repeats(config, items))
    given = _given(run)
    claims, answers = Claims(config, samples, repeats, given), (*samples, *repeats)
    _refuse(run.path, (fault for sample in answers for fault in _misformed("sample", _line(sample), claimed.named(sample.key))))
    _refuse(run.path, claimed.not_covered(claims, items, release, suite), "; an unfinished run goes on with the same atlas-eval command")
    _refuse(run.path, claimed.malformed(answers), ": it was edited; run it again")
    _refuse(run.path, claimed.too_long(answers, config))
    _refuse(run.path, recomputed.other_prompts(claims, {item.item_id: item for item in items}, release), ": it was edited; run it again")
    _refuse(run.path, recomputed.several_answers(samples), ": it was edited, or answered with two caches; run it again")
    results = derive(claims.plan, samples, items, release, repeats)
    edited = f": results.json was edited, or made by another version; type atlas-eval score {run.path}"
    _refuse(run.path, recomputed.differing(given, results), edited)
    _refuse(run.path, recomputed.unranked(results["notes"]))
    _refuse(run.path, _named_places(answers))
    return Claims(config, samples, repeats, results)


def _config(run: Run) -> dict[str, Any]:
    """The run's configuration as it may be published. Raises EvalError if it was edited or is of another version."""
    found = read_run(run.path)
    if found.get("config_digest") != digest(canonical_json(run.config)):
        raise EvalError(f"{run.path} cannot be submitted: run.json was edited (config_digest is not that of its config); run it again")
    _refuse(run.path, _misformed("run", {**found, "dataset": _dataset(run)}, "run.json"), "; run it again with this version of persona-atlas")
    return publishing.public_config(run.config)


def _given(run: Run) -> dict[str, Any]:
    """The run's own results, without the paths in their failure reasons, which are removed from the samples, too."""
    given = finished_results(run.path)
    _refuse(run.path, _misformed("results", given, "results.json"), f"; type atlas-eval score {run.path}")
    return {**given, "failures": {publishing.without_paths(reason): count for reason, count in given["failures"].items()}}


def _misformed(kind: str, data: Any, where: str) -> Iterator[str]:
    try:
        schema.validate(kind, data)
    except schema.SchemaError as error:
        yield f"{where}: {error}"


def _refuse(path: Path, faults: Iterable[str], next_step: str = "") -> None:
    if said := list(islice(faults, SAID)):
        raise EvalError(f"{path} cannot be submitted: {'; '.join(said)}{next_step}")


def _in_order(samples: Iterable[Sample], keys: Sequence[Key]) -> list[Sample]:
    """The samples in the order of `keys`; those that are not among them come last."""
    place = {key: i for i, key in enumerate(keys)}
    return sorted(samples, key=lambda sample: place.get(sample.key, len(place)))


def _named_places(samples: Sequence[Sample]) -> Iterator[str]:
    for sample in samples:
        texts = [sample.prompt or "", sample.answer, *(text for entry in sample.profile for text in entry.values())]
        if place := publishing.named_places("\n".join(texts)):
            yield f"{claimed.named(sample.key)} names the folder {place} of this machine in its prompt, answer or profile, and would be published"


def _too_large(files: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]) -> Iterator[str]:
    for name, file in files.items():
        lines = texts[name].split("\n")[:-1] if name.endswith(".jsonl") else []  # behind the last line end is nothing
        for found, most, what in ((file["bytes"], LARGEST[name], "bytes"), (len(lines), MOST_LINES, "samples")):
            if found > most:
                yield f"{name} has {found:,} {what}, at most {most:,} are taken; run it with fewer controls"
        if (longest := max((len(line.encode()) for line in lines), default=0)) > LONGEST_LINE:
            yield f"{name} has a sample of {longest:,} bytes, at most {LONGEST_LINE:,} are taken; let the optimizer tell a shorter profile"


def _check_entry(entry: Entry) -> None:
    forms = schema.schema("submission")["properties"]
    for flag, text in asdict(entry).items():
        if not text.strip():
            raise EvalError(f"--{flag} is empty; say something, it is published with the run")
        if len(text) > (most := forms[flag]["maxLength"]):
            raise EvalError(f"--{flag} has {len(text):,} characters, at most {most:,} are taken; say it shorter")
        if character := publishing.hiding(text):
            raise EvalError(
                f"--{flag} holds the character {character}, which cannot be seen or changes how others look; write it in one line, without it"
            )
    if not regex.search(forms["link"]["pattern"], entry.link):
        raise EvalError(f"--link {entry.link!r} is no web address, wanted for example https://example.org/paper")


def submission_of(entry: Entry, claims: Claims, files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The content of submission.json, without the cost of `fit`. `files`: name -> bytes and sha256."""
    config = claims.config
    return {
        "submission_version": SUBMISSION_VERSION,
        **asdict(entry),
        "optimizer": config["optimizer"],
        "run_id": run_id(config, files),
        "versions": {"persona_atlas": config["persona_atlas"], "schema": SCHEMA_VERSION, "scorer": SCORER_VERSION, "suite": config["suite"]},
        "dataset_digest": config["dataset_digest"],
        "files": files,
        "environment": {"python": platform.python_version(), "platform": platform.platform(), "packages": dict(packages())},
    }


def run_id(config: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> str:
    """Sixteen hexadecimal digits that depend only on the configuration, the samples and the repeats."""
    parts = {"config": config, **{name: files[name]["sha256"] for name in ("samples.jsonl", "repeats.jsonl") if name in files}}
    return digest(canonical_json(parts))[:16]


def packages() -> Iterator[tuple[str, str]]:
    """Those of PACKAGES that are installed, with their versions."""
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _dataset(run: Run) -> str:
    return publishing.public_dataset(run.dataset)


def _line(sample: Sample) -> dict[str, Any]:
    return {**asdict(sample), "profile": list(sample.profile)}


def _lines(samples: Iterable[Sample]) -> str:
    return "".join(json.dumps(_line(sample), ensure_ascii=False) + "\n" for sample in samples)


def _pretty(record: Any) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
