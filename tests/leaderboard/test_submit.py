"""`atlas-eval submit`: a complete run is packed, any other is refused in one sentence, and nothing of the machine gets in."""

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eval_harness import submission, suites
from eval_harness.cli import main
from eval_harness.publishing import public_config, public_dataset, public_samples, without_paths
from eval_harness.runfolder import Sample
from eval_harness.suites import LONG_ANSWERS, SUITES, Suite, suite
from leaderboard.verify import verify_one
from persona_atlas import schema
from persona_atlas.data import SMALL, Release
from persona_atlas.randomness import digest
from persona_atlas.records import canonical_json
from persona_atlas.scoring import SCORER_VERSION

SAID = {"--name": "Mine", "--link": "https://example.org/mine", "--contact": "me@example.org", "--training": "The train split."}


@pytest.fixture(autouse=True)
def tiny_is_core(tiny: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "CORE", tiny)


def submit(run: Path, out: Path, **changed: str) -> Result:
    said = {**SAID, **{f"--{flag}": text for flag, text in changed.items()}}
    return CliRunner().invoke(main, ["submit", str(run), "--out", str(out), *(part for pair in said.items() for part in pair)])


def refused(result: Result, *said: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    for part in said:
        assert part in result.stderr


@pytest.fixture(scope="module")
def sent(runs: Any, tiny: Suite, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """What is said of a complete run, and the folder that it is packed into."""
    out = tmp_path_factory.mktemp("sent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suites, "CORE", tiny)
        return submit(runs.run("brief", "wordy"), out), out


@pytest.fixture
def copied(runs: Any, tmp_path: Path) -> Path:
    """A run that can be edited."""
    return Path(shutil.copytree(runs.run("brief", "wordy"), tmp_path / "run"))


def edit(file: Path, change: Callable[[Any], None]) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    change(data)
    if file.name == "run.json":
        data["config_digest"] = digest(canonical_json(data["config"]))
    file.write_text(json.dumps(data), encoding="utf-8")


def edit_samples(run: Path, change: Callable[[list[Any]], None]) -> None:
    file = run / "samples.jsonl"
    samples = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    change(samples)
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")


def test_a_complete_run_is_packed_and_accepted(sent: tuple[Result, Path], small: Release, tiny: Suite) -> None:
    done, out = sent
    assert done.exit_code == 0, done.output
    (folder,) = (out / "brief").iterdir()
    assert {file.name for file in folder.iterdir()} == {"submission.json", "run.json", "samples.jsonl", "results.json"}
    record = json.loads((folder / "submission.json").read_text())
    schema.validate("submission", record)
    assert (record["run_id"], record["name"], record["training"]) == (folder.name, "Mine", "The train split.")
    assert {"numpy", "regex"} <= set(record["environment"]["packages"])
    assert verify_one(folder, small, tiny).accepted


def test_it_says_how_to_open_the_pull_request(sent: tuple[Result, Path]) -> None:
    done, out = sent
    said = done.stdout
    (folder,) = (out / "brief").iterdir()
    there = f"leaderboard/submissions/brief/{folder.name}"
    assert f"git add {there}" in said
    assert f"atlas-leaderboard verify {there} --dataset persona-atlas --known leaderboard/submissions" in said


def test_what_it_says_to_type_in_a_clone_names_whole_paths(runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Path(str(files("persona_atlas").joinpath(SMALL)))
    shutil.copytree(small, tmp_path / "release")
    run = runs.run("brief", "wordy")
    monkeypatch.chdir(tmp_path)
    said = submit(run, Path("packed"), dataset="release").stdout
    (folder,) = (tmp_path / "packed/brief").iterdir()
    assert f"cp -r {folder} leaderboard/submissions/brief/" in said
    assert f"--dataset {tmp_path / 'release'} --known" in said


def test_the_same_run_is_packed_to_the_same_bytes(sent: tuple[Result, Path], runs: Any, tmp_path: Path) -> None:
    assert submit(runs.run("brief", "wordy"), tmp_path).exit_code == 0
    (one,), (other,) = ((out / "brief").iterdir() for out in (sent[1], tmp_path))
    assert {file.name: file.read_bytes() for file in one.iterdir()} == {file.name: file.read_bytes() for file in other.iterdir()}


def test_repeats_are_packed_and_verified(runs: Any, tmp_path: Path, small: Release, tiny: Suite) -> None:
    done = submit(runs.run("brief", "wordy", "--suite", "tiny", "--repeats", "2"), tmp_path)
    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "brief").iterdir()
    assert len((folder / "repeats.jsonl").read_text().splitlines()) == 6
    assert verify_one(folder, small, tiny).accepted
    lines = (folder / "repeats.jsonl").read_text().splitlines(keepends=True)
    (folder / "repeats.jsonl").write_text("".join(lines[1:]))
    faults = {check.name: check.faults for check in verify_one(folder, small, tiny).checks if not check.passed}
    assert faults["coverage"][0].startswith("1 of 6 samples are missing in repeats.jsonl")


def test_nothing_of_the_machine_gets_in(sent: tuple[Result, Path], runs: Any) -> None:
    done, out = sent
    assert done.exit_code == 0, done.output
    text = b"".join(file.read_bytes() for file in out.rglob("*") if file.is_file()).decode()
    for place in (str(out), str(runs.folder), str(Path.cwd()), str(Path.home())):
        assert place not in text


# Runs that are none of the suite


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--suite", "tiny", "--limit", "5"], "none (it was not given, or a flag of it was changed), wanted tiny; limit is 5, the suite tiny has 24"),
        (["--suite", "tiny", "--controls", "identity"], "it lacks the controls oracle, placebo: run it with --controls identity,oracle,placebo"),
        (["--suite", "tiny", "--conditions", "clean"], "it lacks the conditions surface, history_0, history_2 of the suite tiny"),
        (["--suite", "tiny", "--max_gen_toks", "100"], "max_gen_toks is 100, the suite tiny has 260, or 1024 for a target that says much"),
        (["--suite", "tiny", "--oracle_wording", "1"], "oracle_wording is 1, and runs on this target have 0: run it with --oracle_wording 0"),
        (["--suite", "tiny", "--split", "validation"], "split is validation, the suite tiny has test"),
        (["--suite", "quick"], "the suite is quick, wanted tiny"),
    ],
)
def test_a_run_of_other_settings_is_refused(flags: list[str], said: str, runs: Any, tmp_path: Path) -> None:
    refused(submit(runs.run("brief", "wordy", *flags), tmp_path), "cannot be submitted", said)
    assert list(tmp_path.iterdir()) == []


def test_a_run_with_longer_answers_for_a_target_that_says_much_is_taken(runs: Any, tmp_path: Path, small: Release, tiny: Suite) -> None:
    done = submit(runs.run("brief", "wordy", "--suite", "tiny", "--max_gen_toks", str(LONG_ANSWERS)), tmp_path)
    assert done.exit_code == 0, done.output
    (folder,) = tmp_path.glob("*/*")
    assert verify_one(folder, small, tiny).accepted


def test_a_run_with_too_many_failures_is_refused(runs: Any, tmp_path: Path) -> None:
    refused(submit(runs.run("fails", "wordy"), tmp_path), "the optimizer failed on", "at most 1%")


def test_an_unfinished_run_is_refused(copied: Path, tmp_path: Path) -> None:
    edit_samples(copied, lambda samples: samples.pop())
    refused(submit(copied, tmp_path), "1 of 384 samples are missing", "an unfinished run goes on with the same atlas-eval command")


def test_a_run_may_have_as_many_samples_as_are_taken_and_no_more(runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "MOST_LINES", 384)
    assert submit(runs.run("brief", "wordy"), tmp_path / "out").exit_code == 0
    monkeypatch.setattr(submission, "MOST_LINES", 383)
    refused(submit(runs.run("brief", "wordy"), tmp_path), "samples.jsonl has 384 samples, at most 383 are taken; run it with fewer controls")


def test_a_run_without_results_is_refused(copied: Path, tmp_path: Path) -> None:
    (copied / "results.json").unlink()
    refused(submit(copied, tmp_path), "has no results.json yet")


# Edited runs


def test_an_edited_configuration_is_refused(copied: Path, tmp_path: Path) -> None:
    run = copied / "run.json"
    run.write_text(run.read_text().replace('"seed": 0', '"seed": 1'))
    refused(submit(copied, tmp_path), "run.json was edited")


def test_a_run_of_an_older_version_is_refused(copied: Path, tmp_path: Path) -> None:
    edit(copied / "run.json", lambda run: run["config"].pop("repeats"))
    refused(submit(copied, tmp_path), "wanted the key repeats as well", "run it again with this version")


def test_a_run_of_another_scorer_is_refused(copied: Path, tmp_path: Path) -> None:
    edit(copied / "run.json", lambda run: run["config"].update(scorer_version=1))
    refused(submit(copied, tmp_path), f"scorer_version is 1, here it is {SCORER_VERSION}")


def test_a_control_s_edited_prompt_is_refused(copied: Path, tmp_path: Path) -> None:
    edit_samples(copied, lambda samples: next(s for s in samples if s["arm"] == "identity").update(prompt="Say nothing."))
    refused(submit(copied, tmp_path), "has another prompt than the control gives: it was edited")


def test_an_edited_answer_is_refused(copied: Path, tmp_path: Path) -> None:
    edit_samples(copied, lambda samples: next(s for s in samples if s["condition"] == "history_0").update(answer="Yes."))
    refused(submit(copied, tmp_path), "and another answer")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"error": "gone"}, "ended with stop and says why the target failed: it was edited; run it again"),
        ({"answer": "so " * 5_000}, "has an answer of 15,000 characters, more than 260 tokens can have"),
        ({"prompt": "Notes in /home/me/notes."}, "names the folder /home/me of this machine"),
    ],
    ids=["malformed", "too long", "a place"],
)
def test_repeats_are_looked_at_like_samples(change: dict[str, Any], said: str, runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    shutil.copytree(runs.run("brief", "wordy", "--suite", "tiny", "--repeats", "2"), run := tmp_path / "run")
    first, *others = (run / "repeats.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "repeats.jsonl").write_text("".join([json.dumps({**json.loads(first), **change}) + "\n", *others]), encoding="utf-8")
    refused(submit(run, tmp_path / "out"), "under repeat_1 for ", said)


def test_edited_results_are_refused(copied: Path, tmp_path: Path) -> None:
    edit(copied / "results.json", lambda results: results["scores"]["personalization"].update(mean=0.9))
    refused(submit(copied, tmp_path), "scores.personalization.mean is 0.9, computed again it is", "type atlas-eval score")


@pytest.mark.parametrize("text", ["[]", "{}", '{"failures": 1}', "no JSON"])
def test_results_that_are_none_are_refused(text: str, copied: Path, tmp_path: Path) -> None:
    (copied / "results.json").write_text(text)
    refused(submit(copied, tmp_path), "results.json", "atlas-eval score")


def test_a_sample_that_is_none_is_refused(copied: Path, tmp_path: Path) -> None:
    edit_samples(copied, lambda samples: samples[3].update(answer_tokens="many"))
    refused(submit(copied, tmp_path), "samples.jsonl, line 4 is not readable as a Sample; remove that line")


def test_an_unreadable_cost_of_fitting_is_refused(copied: Path, tmp_path: Path) -> None:
    (copied / "fit.json").write_text("{")
    refused(submit(copied, tmp_path), "fit.json does not say which calls and tokens `fit` took")
    (copied / "fit.json").write_text('{"calls": -1, "tokens": 0}')
    refused(submit(copied, tmp_path), "submission: at fit")


# What the submitter says


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("name", " ", "--name is empty"),
        ("name", "x" * 81, "--name has 81 characters, at most 80 are taken"),
        ("name", "a\u202eb", "--name holds the character U+202E"),
        ("name", "\u3164", "--name holds the character U+3164"),
        ("name", "A\u0489\u0489", "--name holds the character U+0489"),
        ("contact", "me\x07", "--contact holds the character U+0007"),
        ("training", "one\ntwo", "--training holds the character U+000A"),
        ("link", "javascript:alert(1)", "--link 'javascript:alert(1)' is no web address"),
        ("link", "https://example.org/a b", "is no web address"),
    ],
)
def test_what_cannot_be_published_is_refused(flag: str, text: str, said: str, runs: Any, tmp_path: Path) -> None:
    refused(submit(runs.run("brief", "wordy"), tmp_path, **{flag: text}), said)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    refused(submit(tmp_path, tmp_path / "out"), "holds no run.json")


# Paths and secrets


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("No such file: '/home/me/notes.txt'", "No such file: 'notes.txt'"),
        ("C:\\Users\\me\\notes.txt is gone", "notes.txt is gone"),
        ("~/models/q.gguf and ../x/y", "q.gguf and y"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
        ("http://me:secret@example.org/v1", "http://example.org/v1"),
        ("10 km/h, 3/4, and/or", "10 km/h, 3/4, and/or"),
        ("file:///home/me/x.bin", "x.bin"),
        ("error at:/home/me/a/b.txt", "error at:b.txt"),
        ("cannot open '/home/me/My Documents/x.txt'", "cannot open 'x.txt'"),
        ("PYTHONPATH=/home/me/a:/home/me/b", "PYTHONPATH=a:b"),
        ("//home/me/a/b", "b"),
        ("http://h/v1?key=sk-1", "http://h/v1"),
    ],
)
def test_paths_lose_their_folders(text: str, public: str) -> None:
    assert without_paths(text) == public


def test_arguments_lose_folders_and_secrets() -> None:
    config = {
        "optimizer_args": {"checkpoint": "/home/me/c1", "deep": ["~/x/y"], "k": 3, "Api_Key": "sk-3", "server": {"token": "sk-4", "port": 80}},
        "model_args": "pretrained=/home/me/q.gguf,api_key=sk-1,API_KEY=sk-2,max_length=4096",
        "model_fingerprint": 'hf|{"pretrained": "/home/me/q.gguf"}|sha256:1',
    }
    assert public_config(config) == {
        "optimizer_args": {"checkpoint": "c1", "deep": ["y"], "k": 3, "server": {"port": 80}},
        "model_args": "pretrained=q.gguf,max_length=4096",
        "model_fingerprint": 'hf|{"pretrained": "q.gguf"}|sha256:1',
    }


def test_failures_lose_their_folders_and_answers_stay() -> None:
    sample = Sample("a", "clean", "i", None, "see /etc/x", "no_prompt", None, "FileNotFoundError: '/home/me/x.txt'", None, None)
    (public,) = public_samples([sample])
    assert (public.failure, public.answer) == ("FileNotFoundError: 'x.txt'", "see /etc/x")


@pytest.mark.parametrize(
    ("name", "public"),
    [("owner/persona-atlas", "owner/persona-atlas"), ("/data/me/atlas", "atlas"), ("./atlas", "atlas"), ("persona-atlas", "persona-atlas")],
)
def test_the_release_is_named_without_its_folder(name: str, public: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert public_dataset(name) == public


def test_a_prompt_that_names_this_machine_is_refused(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))

    def leak(samples: list[Any]) -> None:
        mine = [sample for sample in samples if sample["arm"] == "brief"]
        for sample in mine:
            sample["prompt"] += "\n\nNotes in /home/me/notes."

    edit_samples(copied, leak)
    done = submit(copied, tmp_path)
    refused(done, "names the folder /home/me of this machine")


@pytest.mark.parametrize("name", sorted(SUITES))
def test_a_suite_as_a_submission_must_have_run_it(name: str) -> None:
    found = suite(name)
    assert (found.limit, found.items_per_user, found.max_gen_toks) == tuple(SUITES[name][key] for key in ("limit", "items_per_user", "max_gen_toks"))
    assert found.conditions[0] == "clean"
    assert set(found.arms) == {"identity", "oracle", "placebo"}
