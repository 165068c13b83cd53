"""The command `atlas-generate`."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from generation.build import Config
from generation.cli import main
from generation.show import KINDS
from generation.verify import Report
from persona_atlas import schema, shards
from persona_atlas.data import DataError, Release
from persona_atlas.preferences.catalog import load_catalog
from persona_atlas.records import Item, to_dict
from persona_atlas.tasks.templates import load_templates

Refused = Callable[[Result], str]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_build_says_what_it_made_and_what_to_do_next(tmp_path: Path) -> None:
    out = tmp_path / "release"
    result = run("build", "--users", 10, "--out", out, "--workers", 1)
    assert result.exit_code == 0
    made, digest, following = result.stdout.splitlines()
    assert made.startswith(f"{out}: 10 users, ")
    assert "40 items" in made
    assert digest == f"content digest {json.loads((out / 'manifest.json').read_text())['content_digest']}"
    assert following.startswith(f"Next: atlas-generate verify {out}")
    assert "4/4 shards" in result.stderr


def test_build_with_json_prints_the_manifest_alone(tmp_path: Path) -> None:
    result = run("build", "--users", 10, "--out", tmp_path / "release", "--workers", 1, "--json")
    manifest = json.loads(result.stdout)
    schema.validate("manifest", manifest)
    assert manifest == json.loads((tmp_path / "release" / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--users", "9"], "9 users do not fill four splits; ask for at least --users 10"),
        (["--users", "many"], "Invalid value for '--users': 'many' is not a valid integer range."),
        (["--workers", "0"], "Invalid value for '--workers': 0 is not in the range x>=1."),
        (["--executor", "slurm"], "there is no executor 'slurm'; give --executor local or --executor ray"),
        (["--num_gpus", "2"], "--num_gpus 2 is for Ray alone; add --executor ray, or leave it out"),
        (["--ray-address", "auto"], "--ray_address auto is for Ray alone; add --executor ray, or leave it out"),
        (["--entailment", "mnli"], "--entailment mnli is for language models; add --engine lm, or leave it out"),
        (["--model_args", "api_key=hunter2"], "--model_args is for language models; add --engine lm, or leave it out"),
        (["--engine", "lm", "--model", "smol", "--workers", "4"], "--workers 4 is not for --engine lm, which speaks many conversations at once"),
        (["--user", "10"], "No such option '--user'. (Did you mean one of: '--users', '--seed'?)"),
    ],
)
def test_a_wrong_flag_is_one_sentence_and_nothing_written(arguments: list[str], sentence: str, tmp_path: Path, refused: Refused) -> None:
    found = refused(run("build", "--out", tmp_path / "release", *arguments))
    assert found.startswith(sentence.split(" (Did")[0])
    assert not (tmp_path / "release").exists()


def test_a_finished_release_is_not_built_over(release_path: Path, refused: Refused) -> None:
    assert refused(run("build", "--users", 20, "--out", release_path)).startswith(f"{release_path} holds a finished release; give another --out")


@pytest.mark.parametrize("command", ["build", "revoice"])
def test_a_file_in_the_way_of_the_folder_is_one_sentence(command: str, release_path: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "file").write_text("mine")
    what = [release_path, "--model", "scripted"] if command == "revoice" else []
    found = refused(run(command, *what, "--out", tmp_path / "file" / "sub"))
    assert found == f"{tmp_path}/file/sub cannot be written (Not a directory); give another --out"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "cannot be written (No space left on device); make room and run the same command again to go on"),
        (errno.EROFS, "cannot be written (Read-only file system); give another --out"),
    ],
)
def test_a_disk_that_takes_nothing_is_one_sentence(number: int, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_records(path: Path, kind: type, records: object) -> None:
        raise OSError(number, "Error writing bytes to file")

    monkeypatch.setattr("generation.shard.shards.write_records", write_records)
    result = run("build", "--users", 10, "--out", tmp_path / "out", "--workers", 1)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[1:] == [f"Error: {tmp_path}/out {sentence}"]


def test_what_the_disk_refuses_any_command_is_one_sentence(monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    def counts() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/banks")

    monkeypatch.setattr("generation.counts.counts", counts)
    assert refused(run("catalog")).startswith("/banks cannot be used (Permission denied); ")


def test_another_file_that_cannot_be_read_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    def written(config: Config) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/models/qwen.gguf")

    monkeypatch.setattr(Config, "written", written)
    found = refused(run("build", "--users", 10, "--out", tmp_path / "out"))
    assert found == "/models/qwen.gguf cannot be used (Permission denied); mend that, and run the same command again"


def test_stats_of_an_imported_release_says_that_it_is_imported(imported_path: Path, refused: Refused) -> None:
    assert refused(run("stats", imported_path)).startswith(f"{imported_path} is imported: what spoke its conversations is not recorded")


def test_stats_of_a_scripted_release_says_so(release_path: Path, refused: Refused) -> None:
    assert "its engine is scripted; build one with --engine lm" in refused(run("stats", release_path))


def test_an_unknown_subcommand_names_the_nearest(refused: Refused) -> None:
    assert refused(run("buld")) == "No such command 'buld'. Did you mean 'build'?"


def test_verify_of_a_clean_release(release_path: Path) -> None:
    result = run("verify", release_path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"{release_path}: intact, and every label is true"


def test_verify_with_json(clean_report: Report, release_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.verify.verify", lambda *given: clean_report)
    report = json.loads(run("verify", release_path, "--json").stdout)
    assert (report["directory"], report["ok"], report["wrong"], report["problems"]) == (str(release_path), True, 0, [])
    assert report["checked"]["witnesses"] == 80


def test_verify_of_a_folder_that_is_no_release(tmp_path: Path, refused: Refused) -> None:
    assert "holds no manifest.json, so it is no release" in refused(run("verify", tmp_path))


@pytest.mark.parametrize("command", [["verify"], ["stats"], ["croissant"], ["show", "item", "u-test-000000-i00"], ["diff", "here"]])
def test_a_name_that_no_file_system_takes_is_one_sentence(command: list[str], release_path: Path) -> None:
    arguments = [str(release_path) if part == "here" else part for part in command]
    done = CliRunner().invoke(main, [*arguments, "x" * 300])
    assert done.exit_code == 2
    assert done.stderr.endswith("cannot be read (File name too long); mend that, or give another release folder\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_source_that_is_torn_while_it_is_revoiced_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*given: object) -> None:
        raise DataError("it is torn")

    monkeypatch.setattr("generation.build.build", torn)
    done = CliRunner().invoke(main, ["build", "--users", "10", "--out", str(tmp_path / "out")])
    assert (done.exit_code, done.stderr) == (2, "Error: it is torn\n")


def test_verify_of_a_torn_release(release_path: Path, tmp_path: Path, refused: Refused) -> None:
    out = shutil.copytree(release_path, tmp_path / "release")
    (out / "data" / "users" / "train.parquet").unlink()
    assert "is torn: data/users/train.parquet is in the manifest but not in the folder" in refused(run("verify", out))


def test_verify_of_a_false_release_ends_with_status_1(release_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "release"
    manifest = json.loads((release_path / "manifest.json").read_text())
    (entry, *_) = manifest["files"]
    (out / entry["path"]).parent.mkdir(parents=True)
    shutil.copy(release_path / entry["path"], out / entry["path"])
    manifest.update(files=[{**entry, "rows": entry["rows"] + 1}], content_digest=shards.content_digest([entry["content_digest"]]))
    (out / "manifest.json").write_text(json.dumps(manifest))
    result = run("verify", out)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-2:] == ["  wrong: data/users/train.parquet: its content differs from the manifest", f"{out}: 1 problem"]


def test_datasets_opens_the_release_by_its_name_from_beside_it(release_path: Path, tmp_path: Path) -> None:
    program = """
from datasets import load_dataset
print({split: len(rows) for split, rows in load_dataset("persona-atlas", "users").items()})
print(load_dataset("persona-atlas")["test"].column_names)
"""
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=release_path.parent,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    counts, columns = found.stdout.splitlines()
    assert counts == "{'train': 10, 'validation': 2, 'test': 6, 'test_ood': 2}"
    assert "turns" in columns  # the default config: conversations


# catalog


def test_catalog_counts_what_the_banks_hold() -> None:
    found = json.loads(run("catalog", "--json").stdout)
    catalog, templates = load_catalog(), load_templates()
    assert (found["dimensions"], found["hard_constraints"], found["templates"]) == (len(catalog.dimensions), len(catalog.hard), len(templates))
    assert found["values"] == len(list(catalog.values())) == sum(len(row["values"]) for row in found["by_dimension"])
    assert sum(found["templates_by_split"].values()) == sum(sum(row.values()) for row in found["by_domain"].values()) == len(templates)
    assert sum(found["verifiers"].values()) == len(templates)
    assert found["domains"] == len(found["by_domain"])
    assert found["noise_strategies"] == 17


def test_catalog_counts_every_phrasing() -> None:
    catalog = load_catalog()
    owners = [*catalog.values(), *catalog.hard.values()]
    lines = [line for owner in owners for kinds in owner.phrasings.values() for bank in kinds.values() for line in bank]
    assert json.loads(run("catalog", "--json").stdout)["phrasings"] == len(lines)


def test_catalog_is_printed_as_tables_with_the_same_counts() -> None:
    printed, found = run("catalog"), json.loads(run("catalog", "--json").stdout)
    assert printed.exit_code == 0
    assert all(f"\n{name} " in f"\n{printed.stdout}" for name in load_catalog().dimensions)
    assert f"{found['values']} values in {found['dimensions']} dimensions, {found['hard_constraints']} hard constraints" in printed.stdout


def test_the_sentences_below_the_tables_are_whole_lines_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    values, tasks, noise = run("catalog").stdout.splitlines()[-3:]
    assert values.endswith("phrasings, disjoint between splits.")
    assert tasks.endswith("different queries.")
    assert noise == "17 noise strategies in three layers and three intensities."
    assert run("catalog", "--checkers").stdout.splitlines()[-1].startswith("On ")


def test_catalog_marks_dimensions_that_are_held_out() -> None:
    found = json.loads(run("catalog", "--json").stdout)
    assert found["held_out_dimensions"]
    assert all(set(row["fewest_phrasings"]) == {"test_ood"} for row in found["by_dimension"] if row["id"] in found["held_out_dimensions"])


def test_checkers_are_measured_on_held_answers_and_real_outputs() -> None:
    result = run("catalog", "--checkers", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["real_outputs"] > 0
    assert set(found["families"]) == {dimension.family for dimension in load_catalog().dimensions.values()} | {"hard"}
    assert all(row["precision"] >= 0.9 and row["recall"] >= 0.9 for row in found["families"].values())
    assert found["worst_dimension"] in found["by_dimension_on_real_outputs"]


def test_checkers_are_printed_by_family() -> None:
    result = run("catalog", "--checkers")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split()[:1] == ["family"]
    assert "balanced accuracy" in " ".join(result.stdout.split())


# show


@pytest.mark.parametrize(("kind", "id_"), [("persona", "u-test-000000"), ("conversation", "u-test-000000-c00"), ("item", "u-test-000000-i00")])
def test_show_names_the_record_first(kind: str, id_: str, release_path: Path) -> None:
    result = run("show", kind, id_, release_path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{id_}: ")


def test_show_of_a_persona_says_what_they_want_and_how_they_write(release: Release) -> None:
    user = release.users("test")[0]
    printed = " ".join(run("show", "persona", user.persona_id, release.path).stdout.split())
    assert all(f"{p.dimension} {p.value} ({p.strength}" in printed for p in user.preferences)
    assert all(f"hard {limit.constraint} ({limit.origin})" in printed for limit in user.hard)
    assert f"{user.style.verbosity}, {user.style.manner}, feedback {user.style.feedback}" in printed


def test_show_of_a_conversation_prints_every_turn_with_its_labels(release: Release) -> None:
    conversation = next(c for c in release.conversations("test") if any(turn.reveals for turn in c.turns))
    printed = run("show", "conversation", conversation.conversation_id, release.path).stdout
    words = " ".join(printed.split())
    assert all(f"{turn.role}, {turn.act}" in words for turn in conversation.turns)
    assert all(f"{reveal.how}: {reveal.dimension}" in words for turn in conversation.turns for reveal in turn.reveals)


def test_show_of_noise_says_its_kind(release: Release) -> None:
    noise = release.history_noise("test")[0]
    assert f"noise: {noise.noise}" in run("show", "conversation", noise.conversation_id, release.path).stdout.splitlines()[0]


def test_show_of_an_item_prints_gold_twins_and_witness(release: Release) -> None:
    item = next(item for item in release.items("test") if item.gold and item.lures)
    words = " ".join(run("show", "item", item.item_id, release.path).stdout.split())
    assert all(f"gold {gold.dimension} {gold.value} ({gold.state}" in words for gold in item.gold)
    assert all(f"lure {lure.dimension} {lure.value} ({lure.why.replace('_', ' ')})" in words for lure in item.lures)
    assert all(f"{twin.intensity} {twin.layer}" in words for twin in item.twins)
    assert "witness" in words


def test_show_of_an_item_without_a_history_says_so(release_path: Path, tmp_path: Path) -> None:
    out, file = shutil.copytree(release_path, tmp_path / "out"), "data/items/test.parquet"
    items = [replace(item, history=()) for item in shards.read_records(out / file, Item)]
    shards.write_records(out / file, Item, items)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        if entry["path"] == file:
            entry["sha256"] = shards.file_sha256(out / file)
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "no conversations" in run("show", "item", items[0].item_id, out).stdout


@pytest.mark.parametrize("kind", KINDS)
def test_show_with_json_prints_the_record_alone(kind: str, release: Release) -> None:
    record = {"persona": release.users, "conversation": release.conversations, "item": release.items}[kind]("test")[0]
    id_ = getattr(record, {"persona": "persona_id", "conversation": "conversation_id", "item": "item_id"}[kind])
    assert json.loads(run("show", kind, id_, release.path, "--json").stdout) == json.loads(json.dumps(to_dict(record)))


@pytest.mark.parametrize(
    ("kind", "id_", "sentence"),
    [
        ("item", "u-test-000099-i00", "there is no item 'u-test-000099-i00' in"),
        ("persona", "u-test-000099", "there is no persona 'u-test-000099' in"),
        ("conversation", "u-test-000000-c99", "there is no conversation 'u-test-000000-c99' in"),
        ("item", "u-test-000000", "there is no item 'u-test-000000' in"),
        ("persona", "anna", "'anna' is no persona id; ids look like u-test-000000"),
        ("item", "u-nowhere-000000-i00", "'u-nowhere-000000-i00' is no item id; ids look like u-test-000000-i00"),
        ("person", "u-test-000000", "Invalid value for '{persona|conversation|item}': 'person' is not one of"),
    ],
)
def test_show_of_what_there_is_not_is_one_sentence(kind: str, id_: str, sentence: str, release_path: Path, refused: Refused) -> None:
    assert refused(run("show", kind, id_, release_path)).startswith(sentence)


def test_show_of_an_unknown_id_names_those_that_there_are(release_path: Path, refused: Refused) -> None:
    assert refused(run("show", "item", "u-test-000099-i00", release_path)).endswith("; there are u-test-000000-i00 to u-test-000005-i03")


def test_show_in_a_folder_that_is_no_release_is_one_sentence(tmp_path: Path, refused: Refused) -> None:
    assert "holds no manifest.json" in refused(run("show", "item", "u-test-000000-i00", tmp_path))


@pytest.mark.parametrize("command", ["build", "verify", "catalog", "show"])
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: main {command}")
