"""A run on disk: what was finished stays finished, and a run of another configuration is refused."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from eval_harness.errors import EvalError
from eval_harness.runfolder import Key, PromptRecord, RunFolder, Sample, read_run, read_samples

AtWork = Callable[[Path], AbstractContextManager["subprocess.Popen[str]"]]
CONFIG: dict[str, Any] = {"optimizer": "mine", "seed": 0, "conditions": ["clean"], "limit": None}
PROMPT = PromptRecord("mine", "clean", "i0", "Répondez — 简短", None, ({"preference": "length", "value": "brief", "evidence": "“too long”"},), 0.25)


def sample(number: int, answer: str = "An answer.\nIn two lines.") -> Sample:
    return Sample("mine", "clean", f"i{number}", "prompt", answer, "stop", None, None, 10, 5)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with one prompt and three samples."""
    with RunFolder(tmp_path / "run", CONFIG) as folder:
        folder.begin()
        folder.add_prompt(PROMPT)
        for number in range(3):
            folder.add_sample(sample(number))
    return tmp_path / "run"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("text", ['"asked": [["a list"]]', '"asked": [7]', '"asked": "text"'])
def test_what_was_asked_must_be_texts(text: str, run: Path) -> None:
    file = run / "prompts.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace('"asked": []', text), encoding="utf-8")
    with RunFolder(run, CONFIG) as folder, pytest.raises(EvalError, match="line 1 is not readable as a PromptRecord"):
        folder.prompts()


def test_what_was_written_is_read_back(run: Path) -> None:
    with RunFolder(run, CONFIG) as folder:
        assert folder.prompts() == {Key("mine", "clean", "i0"): PROMPT}
        assert folder.samples() == {sample(number).key: sample(number) for number in range(3)}


def test_each_record_is_a_line_on_disk_as_soon_as_it_is_there(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", CONFIG) as folder:
        for number in range(3):
            folder.add_sample(sample(number))
            assert len((tmp_path / "run" / "samples.jsonl").read_text().splitlines()) == number + 1


def test_opening_again_changes_nothing(run: Path) -> None:
    before = content(run)
    with RunFolder(run, CONFIG):
        pass
    assert content(run) == before


def test_a_line_that_a_kill_tore_is_cut_off(run: Path) -> None:
    file = run / "samples.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + json.dumps({"arm": "mine", "answer": "é"}, ensure_ascii=False).encode()[:-3])
    with RunFolder(run, CONFIG) as folder:
        assert len(folder.samples()) == 3
        folder.add_sample(sample(3))
    assert file.read_bytes().startswith(whole)
    assert read_samples(run) == [sample(number) for number in range(4)]


def test_a_file_that_holds_nothing_but_a_torn_line_is_emptied(run: Path) -> None:
    (run / "samples.jsonl").write_text('{"arm": "mi')
    with RunFolder(run, CONFIG) as folder:
        assert folder.samples() == {}


def test_a_later_line_of_the_same_key_holds(run: Path) -> None:
    with RunFolder(run, CONFIG) as folder:
        folder.add_sample(sample(1, "Another answer."))
    assert {found.item_id: found.answer for found in read_samples(run)}["i1"] == "Another answer."


@pytest.mark.parametrize("line", ["not JSON", '{"arm": "mine"}', "[1]"])
def test_an_unreadable_line_in_the_middle_is_named(line: str, run: Path) -> None:
    file = run / "samples.jsonl"
    first, *rest = file.read_text().splitlines(keepends=True)
    file.write_text("".join([first, line + "\n", *rest]))
    with pytest.raises(EvalError, match=r"samples.jsonl, line 2 is not readable as a Sample; remove that line, and it is done again"):
        read_samples(run)


@pytest.mark.parametrize(
    ("there", "damaged"),
    [
        (b"prompt", b"pr\xffmpt"),
        (b'"profile": []', b'"profile": null'),
        (b'"profile": []', b'"profile": [5]'),
        (b'"profile": []', b'"profile": [{"value": "brief"}]'),
        (b'"answer": "An answer.', b'"answer": null, "error": "An answer.'),
        (b'"item_id": "i1"', b'"item_id": ["i1"]'),
    ],
    ids=["not UTF-8", "no profile", "no entry", "half an entry", "no answer", "no item"],
)
def test_a_damaged_line_is_named(there: bytes, damaged: bytes, run: Path) -> None:
    file = run / "samples.jsonl"
    first, second, *rest = file.read_bytes().splitlines(keepends=True)
    assert there in second
    file.write_bytes(b"".join([first, second.replace(there, damaged), *rest]))
    with pytest.raises(EvalError, match=r"samples.jsonl, line 2 is not readable as a Sample; remove that line, and it is done again"):
        read_samples(run)


def test_another_configuration_is_refused_and_named_key_by_key(run: Path) -> None:
    before = content(run)
    with pytest.raises(EvalError) as error:
        RunFolder(run, {**CONFIG, "seed": 1, "limit": 5})
    assert str(error.value) == (
        f"{run} holds a run of another configuration: seed is 0 there, 1 here; limit is null there, 5 here; "
        "give another --output_path, or remove the folder"
    )
    assert content(run) == before


def test_a_key_that_the_older_run_did_not_have_is_named(run: Path) -> None:
    with pytest.raises(EvalError, match="scorer_version is null there, 3 here"):
        RunFolder(run, {**CONFIG, "scorer_version": 3})


def test_a_key_that_only_the_run_there_has_is_named(tmp_path: Path) -> None:
    with RunFolder(tmp_path, {**CONFIG, "gate": True}) as folder:
        folder.begin()
    with pytest.raises(EvalError, match="gate is true there, null here"):
        RunFolder(tmp_path, CONFIG)
    with RunFolder(tmp_path, {**CONFIG, "gate": True}):
        pass


def test_a_key_that_is_null_on_one_side_and_missing_on_the_other_makes_no_other_run(run: Path) -> None:
    with RunFolder(run, {**{key: value for key, value in CONFIG.items() if key != "limit"}, "suite": None}) as folder:
        assert len(folder.samples()) == 3


def test_long_values_are_cut_in_the_message(run: Path) -> None:
    with pytest.raises(EvalError, match=r"optimizer is mine there, x{57}\.\.\. here;"):
        RunFolder(run, {**CONFIG, "optimizer": "x" * 500})


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(EvalError, match="is not empty and holds no run; give a new folder"):
        RunFolder(tmp_path, CONFIG)
    assert content(tmp_path) == {"thesis.tex": b"mine"}


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(EvalError, match="is a file, wanted a folder"):
        RunFolder(tmp_path / "run", CONFIG)


def test_a_kill_while_the_first_file_was_written_leaves_a_usable_folder(tmp_path: Path) -> None:
    (tmp_path / ".run.json.x1y2z3").write_text("{")
    with RunFolder(tmp_path, CONFIG) as folder:
        folder.begin()
        assert read_run(tmp_path)["config"] == CONFIG


def test_a_new_folder_in_which_no_run_began_is_gone(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "runs" / "mine", CONFIG):
        assert (tmp_path / "runs" / "mine").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with RunFolder(tmp_path / "mine", CONFIG):
        pass
    assert content(tmp_path / "mine") == {}


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    with RunFolder(tmp_path, CONFIG) as folder:
        folder.begin()
        assert read_run(tmp_path)["config"] == CONFIG


@pytest.mark.parametrize("text", ["{", "[1]", "{}", '{"config": 5}'])
def test_an_unreadable_run_json_is_refused(text: str, run: Path) -> None:
    (run / "run.json").write_text(text)
    with pytest.raises(EvalError, match=r"holds no readable run\.json"):
        RunFolder(run, CONFIG)


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=r"holds no run\.json"):
        read_run(tmp_path)


# One process at a time


@pytest.fixture
def other(run: Path, at_work: AtWork) -> Iterator["subprocess.Popen[str]"]:
    """Another process at work on the run, in the midst of a line."""
    with at_work(run) as process:
        with (run / "samples.jsonl").open("a") as file:
            file.write('{"arm": "mi')
        yield process


def test_a_folder_that_another_process_is_at_work_on_is_refused_and_stays_as_it_is(run: Path, other: "subprocess.Popen[str]") -> None:
    before = content(run)
    with pytest.raises(EvalError) as error, RunFolder(run, CONFIG):
        pass
    assert str(error.value) == f"another process is at work on {run}; let it end, then run the same command again"
    assert content(run) == before


def test_what_a_killed_process_left_of_its_lock_does_not_matter(run: Path, other: "subprocess.Popen[str]") -> None:
    other.kill()
    other.wait()
    assert (run / ".lock").exists()
    with RunFolder(run, CONFIG) as folder:
        assert len(folder.samples()) == 3
    assert not (run / ".lock").exists()


def test_a_kill_before_the_first_file_leaves_a_usable_folder(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with RunFolder(tmp_path, CONFIG) as folder:
        folder.begin()
    assert set(content(tmp_path)) == {"run.json"}


def test_a_run_that_another_process_began_meanwhile_is_looked_at(tmp_path: Path) -> None:
    late = RunFolder(tmp_path / "run", CONFIG)
    with RunFolder(tmp_path / "run", {**CONFIG, "seed": 1}) as folder:
        folder.begin()
    with pytest.raises(EvalError, match="seed is 1 there, 0 here"), late:
        pass
