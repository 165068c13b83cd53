"""The command `atlas-generate`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from generation.cli import main
from persona_atlas import schema


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(result: Result) -> str:
    """The one sentence on standard error of a command that ended with status 2."""
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


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
        (["--user", "10"], "No such option '--user'. (Did you mean one of: '--users', '--seed'?)"),
    ],
)
def test_a_wrong_flag_is_one_sentence_and_nothing_written(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    found = refused(run("build", "--out", tmp_path / "release", *arguments))
    assert found.startswith(sentence.split(" (Did")[0])
    assert not (tmp_path / "release").exists()


def test_a_finished_release_is_not_built_over(release_path: Path) -> None:
    assert refused(run("build", "--users", 20, "--out", release_path)).startswith(f"{release_path} holds a finished release; give another --out")


def test_an_unknown_subcommand_names_the_nearest() -> None:
    assert refused(run("buld")) == "No such command 'buld'. Did you mean 'build'?"


def test_verify_of_a_clean_release(release_path: Path) -> None:
    result = run("verify", release_path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"{release_path}: intact, and every label is true"


def test_verify_with_json(release_path: Path) -> None:
    report = json.loads(run("verify", release_path, "--json").stdout)
    assert (report["directory"], report["ok"], report["wrong"], report["problems"]) == (str(release_path), True, 0, [])
    assert report["checked"]["noise twins"] == 80


def test_verify_of_a_folder_that_is_no_release(tmp_path: Path) -> None:
    assert "holds no manifest.json, so it is no release" in refused(run("verify", tmp_path))


def test_verify_of_a_torn_release(release_path: Path, tmp_path: Path) -> None:
    out = shutil.copytree(release_path, tmp_path / "release")
    (out / "data" / "users" / "train.parquet").unlink()
    assert "is torn: data/users/train.parquet is in the manifest but not in the folder" in refused(run("verify", out))


def test_verify_of_a_false_release_ends_with_status_1(release_path: Path, tmp_path: Path) -> None:
    out = shutil.copytree(release_path, tmp_path / "release")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["files"][0]["rows"] += 1
    (out / "manifest.json").write_text(json.dumps(manifest))
    result = run("verify", out)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-2:] == ["  wrong: data/users/train.parquet: its content differs from the manifest", f"{out}: 1 problems"]


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
