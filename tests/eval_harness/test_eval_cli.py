"""The command `atlas-eval`: its output, and every bad input as one sentence with status 2 and nothing written."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval_harness.cli import main
from eval_harness.controls import KNOWN
from eval_harness.prepare import read_arguments
from persona_atlas import schema, shards
from persona_atlas.records import SCHEMA_VERSION

Run = Callable[..., Result]


@pytest.fixture
def run(release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in an empty folder: control history, scripted target, two users. An argument replaces a default flag that it repeats."""
    monkeypatch.chdir(tmp_path)
    flags = {
        "--optimizer": "history",
        "--model": "scripted",
        "--dataset": str(release_path),
        "--limit": "2",
        "--use_cache": str(tmp_path / "cache.sqlite"),
        "--output_path": "out",
    }

    def invoke(*arguments: object) -> Result:
        given = [str(argument) for argument in arguments]
        kept = [part for flag, value in flags.items() if flag not in given for part in (flag, value)]
        return CliRunner().invoke(main, [*kept, *given])

    return invoke


def refused(result: Result) -> str:
    """The one sentence on standard error of a command that ended with status 2, and wrote nothing."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert not Path("out").exists()
    return line.removeprefix("Error: ")


# What it says


def test_a_run_prints_a_table_of_arms_and_where_the_results_are(run: Run) -> None:
    result = run("--controls", "identity,oracle,majority")
    assert result.exit_code == 0, result.output
    for word in ("history on scripted, split test: 2 users", "G (personalization)", "identity", "majority", "oracle", "Results in out"):
        assert word in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "32/32 prompts" in result.stderr
    assert "20 users, digest" in result.stderr


def test_the_run_folder_holds_configuration_prompts_samples_and_results(run: Run) -> None:
    run()
    assert {path.name for path in Path("out").iterdir()} == {"run.json", "prompts.jsonl", "samples.jsonl", "results.json", "report.html"}
    schema.validate("results", json.loads(Path("out/results.json").read_text()))


def test_json_prints_the_results_alone_and_they_follow_the_schema(run: Run) -> None:
    result = run("--json")
    found = json.loads(result.stdout)
    schema.validate("results", found)
    assert found == json.loads(Path("out/results.json").read_text())
    own = found["scores"]["personalization"]
    assert own["n_users"] == 2
    assert own["ci"][0] <= own["mean"] <= own["ci"][1]


def test_flags_may_be_written_with_dashes(run: Run, tmp_path: Path, release_path: Path) -> None:
    dashes = [
        "--optimizer-args", "", "--optimizer-timeout", "5", "--model-args", "", "--oracle-wording", "1", "--max-gen-toks", "100",
        "--use-cache", tmp_path / "other.sqlite", "--output-path", "elsewhere",
    ]  # fmt: skip
    result = CliRunner().invoke(
        main, ["--optimizer", "oracle", "--model", "scripted", "--dataset", str(release_path), "--limit", "1", *map(str, dashes)]
    )
    assert result.exit_code == 0, result.output
    config = json.loads(Path("elsewhere/run.json").read_text())["config"]
    assert (config["oracle_wording"], config["max_gen_toks"], config["optimizer_timeout"]) == (1, 100, 5.0)
    assert (tmp_path / "other.sqlite").is_file()


def test_a_module_here_with_a_plain_function_is_an_optimizer(run: Run) -> None:
    Path("mymodule.py").write_text("def optimize(request):\n    return request.query + ' Use bullet points.'\n")
    found = json.loads(run("--optimizer", "mymodule", "--json").stdout)
    assert (found["optimizer"], found["failures"]) == ("mymodule", {})


def test_arguments_reach_the_optimizer_with_their_types(run: Run) -> None:
    Path("mymodule.py").write_text("def optimize(request, *, word, times, on):\n    return f'{request.query} {word!r} {times!r} {on!r}'\n")
    run("--optimizer", "mymodule", "--optimizer_args", "word=brief,times=3,on=true")
    prompts = [json.loads(line) for line in Path("out/prompts.jsonl").read_text().splitlines()]
    assert {line["prompt"].endswith(" 'brief' 3 True") for line in prompts if line["arm"] == "mymodule"} == {True}


@pytest.mark.parametrize(
    ("written", "read"), [("False", False), ("false", False), ("True", True), ("true", True), ('"False"', "False"), ("no", "no")]
)
def test_booleans_may_be_written_as_in_python_or_as_in_json(written: str, read: object) -> None:
    assert read_arguments(f"answers={written}") == {"answers": read}


def test_an_argument_in_json_may_contain_commas() -> None:
    text = 'layers=[1,2], more={"a": [3, "x,y"]},wish="brief, please",name=x'
    assert read_arguments(text) == {"layers": [1, 2], "more": {"a": [3, "x,y"]}, "wish": "brief, please", "name": "x"}


@pytest.mark.parametrize(("text", "read"), [("k=[1,j=2", {"k": "[1", "j": 2}), ('k="a"b,j=2', {"k": '"a"b', "j": 2})])
def test_an_argument_that_only_begins_like_json_is_text_up_to_the_comma(text: str, read: object) -> None:
    assert read_arguments(text) == read


def test_without_an_output_path_the_folder_is_named_after_optimizer_model_and_split(run: Run, release_path: Path, tmp_path: Path) -> None:
    Path("mymodule.py").write_text("def mine(request):\n    return request.query\n")
    flags = ["--optimizer", "mymodule:mine", "--model", "scripted", "--dataset", str(release_path), "--limit", "1", "--use_cache", "c.sqlite"]
    assert CliRunner().invoke(main, flags).exit_code == 0
    assert len(list((tmp_path / "runs").glob("mymodule.mine-scripted-test-????????/results.json"))) == 1
    Path("mymodule.py").write_text("def mine(request):\n    return request.query + ' Be brief.'\n")
    assert CliRunner().invoke(main, flags).exit_code == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2, "an edited optimizer is another one"


MISBEHAVIOUR = {
    "raises": ("raise ValueError('no luck')", "ValueError"),
    "hangs": ("time.sleep(60)", "timeout"),
    "exits": ("os._exit(0)", "crash"),
    "returns the wrong type": ("return 42", "wrong type"),
    "returns 10 MB of text": ("return 'x' * 10_000_000", "too long"),
}


@pytest.mark.parametrize("kind", MISBEHAVIOUR)
def test_a_run_ends_normally_with_zero_for_an_optimizer_that(kind: str, run: Run) -> None:
    statement, reason = MISBEHAVIOUR[kind]
    Path("mymodule.py").write_text(f"import os, time\ndef optimize(request):\n    {statement}\n")
    seconds = 0.3 if kind == "hangs" else 30
    result = run("--optimizer", "mymodule", "--optimizer_timeout", seconds, "--limit", "1", "--controls", "identity", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["failures"] == {reason: 4}
    assert found["scores"]["personalization"]["mean"] == found["scores"]["responsive"]["mean"] == 0.0
    assert any(note.startswith("not ranked: the optimizer failed on 100.0% of its calls") for note in found["notes"])


# Bad input: flags


def test_a_module_with_the_name_of_what_ships_is_never_taken_for_it(run: Run) -> None:
    Path("reader.py").write_text("def optimize(request): return request.query")
    sentence = "reader is what ships with PersonaAtlas under that name, and never reader.py here; rename it, for example my_reader.py"
    assert refused(run("--optimizer", "reader")) == sentence


def test_a_fit_is_not_fed_with_the_users_who_are_scored(run: Run) -> None:
    Path("learner.py").write_text("def fit(train, context): print(len(train))\ndef optimize(request): return request.query")
    sentence = "it has a fit, and no train users are left for that, since the run is scored on all of them; give a smaller --limit"
    assert refused(run("--optimizer", "learner", "--split", "train", "--limit", "1000")) == sentence


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model", "scriptd"], "There is no model 'scriptd': did you mean scripted?"),
        (["--model_args", "size=3"], "The model scripted takes no arguments, but --model_args has size: leave it out."),
        (["--conditions", "clean,surfaces"], "there is no condition 'surfaces'; did you mean surface, surface_light, surface_heavy?"),
        (["--controls", "orcale"], "there is no control 'orcale'; did you mean oracle?"),
        (["--split", "tset"], "Invalid value for '--split': 'tset' is not one of 'train', 'validation', 'test', 'test_ood'."),
        (["--limit", "0"], "Invalid value for '--limit': 0 is not in the range x>=1."),
        (["--limit", "few"], "Invalid value for '--limit': 'few' is not a valid integer range."),
        (["--seed", "-1"], "Invalid value for '--seed': -1 is not in the range x>=0."),
        (["--oracle_wording", "4"], "Invalid value for '--oracle_wording' / '--oracle-wording': 4 is not in the range 0<=x<=3."),
        (["--max_gen_toks", "0"], "Invalid value for '--max_gen_toks' / '--max-gen-toks': 0 is not in the range x>=1."),
        (["--optimizer_timeout", "0"], "Invalid value for '--optimizer_timeout' / '--optimizer-timeout': 0.0 is not in the range x>0."),
        (["--optimizer_timeout", "inf"], "--optimizer_timeout is inf, wanted seconds up to 86,400"),
        (["--optimizer_timeout", "nan"], "--optimizer_timeout is nan, wanted seconds up to 86,400"),
        (["--optimizer_args", "brief"], "--optimizer_args has 'brief', wanted key=value pairs, for example checkpoint=DIR"),
        (["--optimizer_args", "k=1"], "the control history takes no --optimizer_args k; it takes max_tokens"),
        (["--optimizer_args", "max_tokens=0"], "--optimizer_args has max_tokens=0, wanted a whole number from 1 on"),
        (["--optimiser", "history"], "No such option '--optimiser'."),
        (["surplus"], "No such command 'surplus'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_flag_is_one_sentence(flags: list[str], sentence: str, run: Run) -> None:
    assert refused(run(*flags)).startswith(sentence)


def test_an_optimizer_must_be_given() -> None:
    result = CliRunner().invoke(main, [])
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: Missing option '--optimizer': name a module with optimize(request), or a control such as history.\n",
    )


def test_a_cache_that_is_none(run: Run) -> None:
    Path("notes.txt").write_text("not a database, but long enough to be taken for one " * 50)
    assert "notes.txt cannot be used as a response cache" in refused(run("--use_cache", "notes.txt"))


# Bad input: the module


@pytest.mark.parametrize(
    ("source", "optimizer", "sentence"),
    [
        ("", "mymodul", "there is no module 'mymodul' here or installed; did you mean mymodule?"),
        ("", "histroy", "there is no module 'histroy' here or installed; did you mean history?"),
        ("", "mymodule.py", "there is no module 'mymodule.py' here or installed; did you mean mymodule?"),
        ("", "./mymodule", "--optimizer './mymodule' is no module name, wanted MODULE or MODULE:ATTRIBUTE, for example mymodule"),
        ("1 / 0", "mymodule", "the module 'mymodule' does not import: ZeroDivisionError: division by zero"),
        ("def optimise(request): ...", "mymodule", "the module 'mymodule' has no 'optimize'; did you mean optimise? (write mymodule:optimise)"),
        ("def optimize(a, b, c): ...", "mymodule", "mymodule:optimize(a, b, c) cannot be called; wanted optimize(request) or"),
        ("class Mine: ...", "mymodule:Mine", "the class mymodule:Mine has no method optimize(request, context)"),
    ],
)
def test_a_module_that_is_no_optimizer(source: str, optimizer: str, sentence: str, run: Run) -> None:
    Path("mymodule.py").write_text(source)
    assert refused(run("--optimizer", optimizer)).startswith(sentence)


# Bad input: the dataset


@pytest.fixture
def copy(release_path: Path, tmp_path: Path) -> Path:
    return shutil.copytree(release_path, tmp_path / "copy")


def edit_manifest(copy: Path, **changes: object) -> None:
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    (copy / "manifest.json").write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


def test_a_dataset_that_is_not_there(run: Run) -> None:
    assert refused(run("--dataset", "nowhere")).startswith("there is no folder 'nowhere'; give a release folder, or build one: atlas-generate build")


def test_a_folder_that_is_no_release(run: Run) -> None:
    Path("empty").mkdir()
    assert refused(run("--dataset", "empty")).startswith("empty holds no manifest.json, so it is no release")


def test_a_dataset_that_was_not_finished(run: Run) -> None:
    Path("unfinished/.building").mkdir(parents=True)
    assert refused(run("--dataset", "unfinished")).startswith("unfinished is a build that did not finish; run the same atlas-generate build")


def test_a_torn_dataset(run: Run, copy: Path) -> None:
    (copy / "data" / "items" / "test.parquet").unlink()
    assert "is torn: data/items/test.parquet is in the manifest but not in the folder" in refused(run("--dataset", copy))


def test_a_dataset_with_a_file_cut_short(run: Run, copy: Path) -> None:
    file = copy / "data" / "items" / "test.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    assert "data/items/test.parquet was changed after it was built" in refused(run("--dataset", copy))


def test_a_dataset_with_a_torn_manifest(run: Run, copy: Path) -> None:
    text = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(text[: len(text) // 2])
    assert "manifest.json is not readable as JSON" in refused(run("--dataset", copy))


def test_a_dataset_of_a_newer_schema(run: Run, copy: Path) -> None:
    edit_manifest(copy, schema_version=SCHEMA_VERSION + 1)
    found = refused(run("--dataset", copy))
    assert f"has schema version {SCHEMA_VERSION + 1}, this package reads up to {SCHEMA_VERSION}: pip install --upgrade persona-atlas" in found


def test_a_dataset_with_a_manifest_of_another_form(run: Run, copy: Path) -> None:
    edit_manifest(copy, generator_version=1)
    assert "manifest.json: manifest: at generator_version found 1, wanted string" in refused(run("--dataset", copy))


def test_a_dataset_edited_by_hand(run: Run, copy: Path) -> None:
    """A file was changed and struck off the manifest, so that its hash is not looked at."""
    file = copy / "data" / "items" / "test.parquet"
    file.write_bytes((copy / "data" / "items" / "validation.parquet").read_bytes())
    files = json.loads((copy / "manifest.json").read_text())["files"]
    edit_manifest(copy, files=[entry for entry in files if entry["path"] != "data/items/test.parquet"])
    assert "manifest.json was edited (its content digest is not that of its files)" in refused(run("--dataset", copy))


def test_a_split_that_the_dataset_does_not_have(run: Run, copy: Path) -> None:
    files = [entry for entry in json.loads((copy / "manifest.json").read_text())["files"] if entry["split"] != "test_ood"]
    shutil.rmtree(copy / "data" / "items")
    kept = [entry for entry in files if entry["config"] != "items"]
    edit_manifest(copy, files=kept, content_digest=shards.content_digest(entry["content_digest"] for entry in kept))
    assert refused(run("--dataset", copy)).startswith("the release has no items in split test; choose another --split")


# Bad input: the output folder


def test_an_output_folder_of_another_configuration(run: Run, tmp_path: Path) -> None:
    run()
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    result = run("--seed", "5", "--limit", "1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: out holds a run of another configuration: limit is 2 there, 1 here; seed is 0 there, 5 here; "
        "give another --output_path, or remove the folder\n"
    )
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


def test_an_output_folder_that_holds_something_else(run: Run) -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter.tex").write_text("mine")
    assert refused(run("--output_path", "thesis")).startswith("--output_path thesis is not empty and holds no run; give a new folder")
    assert [path.name for path in Path("thesis").iterdir()] == ["chapter.tex"]


def test_an_output_path_that_is_a_file(run: Run) -> None:
    Path("file").write_text("mine")
    assert refused(run("--output_path", "file")) == "--output_path file is a file, wanted a folder; give another one"


def test_an_output_path_below_a_file(run: Run) -> None:
    Path("file").write_text("mine")
    said = refused(run("--output_path", "file/below"))
    assert said == "file/below cannot be used (Not a directory); mend that, or give another path, and run the same command again"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("name", ["prompts.jsonl", "samples.jsonl"])
def test_a_full_disk(name: str, run: Run) -> None:
    assert run().exit_code == 0
    Path("out", name).unlink()
    Path("out", name).symlink_to("/dev/full")
    result = run()
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: out/{name} cannot be used (No space left on device); make room, and run the same command again"
    assert not Path("out/.lock").exists()


# Speed

HEAVY = {"datasets", "jinja2", "lm_eval", "numpy", "openvino", "openvino_genai", "pandas", "pyarrow", "rich", "scipy", "torch", "transformers", "trl"}
HELP = "from eval_harness.cli import main; main(['--help'], standalone_mode=False)"


@pytest.mark.parametrize("statement", [HELP, "import persona_atlas"], ids=["the help", "the import of the library"])
def test_no_heavy_library_is_loaded_for(statement: str) -> None:
    listing = "; import sys; print('loaded:', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", statement + listing], check=True, capture_output=True, text=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert "persona_atlas" in loaded
    assert HEAVY & set(loaded) == set()


def best_of_five(*command: object) -> float:
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


@pytest.mark.slow
def test_help_comes_at_once() -> None:
    assert best_of_five(Path(sys.executable).parent / "atlas-eval", "--help") < 0.5


@pytest.mark.slow
def test_importing_the_library_takes_no_time() -> None:
    assert best_of_five(sys.executable, "-c", "import persona_atlas") < 0.5


# What an optimizer may ask, repeats, the panel


def test_the_calls_of_an_optimizer_are_counted_and_stand_in_the_results(run: Run) -> None:
    Path("asker.py").write_text("def optimize(request, context): return context.model.generate([request.query])[0] or 'nothing'")
    result = run("--optimizer", "asker", "--optimizer_calls", "100", "--limit", "1", "--controls", "identity", "--json")
    assert result.exit_code == 0, result.output
    cost = json.loads(result.stdout)["cost"]
    assert cost["asker"]["calls"] > 0
    assert cost["asker"]["tokens"] > cost["asker"]["calls"]
    assert cost["identity"]["calls"] == 0


def test_what_fit_asked_is_kept(run: Run) -> None:
    Path("learner.py").write_text(
        "def fit(train, context): context.score([(task, task.request.query) for task in train[:3]])\ndef optimize(request): return request.query"
    )
    assert run("--optimizer", "learner", "--optimizer_calls", "3", "--limit", "1", "--controls", "identity").exit_code == 0
    assert json.loads(Path("out/fit.json").read_text())["calls"] == 3


def test_a_budget_that_is_used_up_fails_the_items_with_the_reason(run: Run) -> None:
    Path("greedy.py").write_text("def optimize(request, context): return context.model.generate([request.query + ' ' + request.user])[0]")
    result = run("--optimizer", "greedy", "--optimizer_calls", "2", "--limit", "2", "--controls", "identity", "--json")
    failures = json.loads(result.stdout)["failures"]
    assert failures["BudgetError"] > 0


def test_a_run_that_goes_on_has_what_is_left_of_the_budget(run: Run) -> None:
    Path("greedy.py").write_text("def optimize(request, context): return context.model.generate([request.query])[0] or 'nothing'")
    flags = ("--optimizer", "greedy", "--optimizer_calls", "3", "--limit", "4", "--controls", "identity")
    assert run(*flags).exit_code == 0
    whole = Path("out/prompts.jsonl").read_text().splitlines(keepends=True)
    mine = [line for line in whole if json.loads(line)["arm"] == "greedy"]
    assert [json.loads(line)["calls"] for line in mine][:4] == [1, 1, 1, 0]
    Path("out/prompts.jsonl").write_text("".join(mine[:2]) + mine[2][:20])
    assert run(*flags).exit_code == 0
    again = [json.loads(line) for line in Path("out/prompts.jsonl").read_text().splitlines()]
    assert sum(record["calls"] for record in again) == 3


def test_repeats_answer_a_tenth_of_the_items_again(run: Run) -> None:
    result = run("--optimizer", "oracle", "--controls", "identity", "--limit", "6", "--repeats", "3", "--json")
    assert result.exit_code == 0, result.output
    spread = json.loads(result.stdout)["repeats"]
    lines = [json.loads(line) for line in Path("out/repeats.jsonl").read_text().splitlines()]
    assert set(spread) == {"oracle", "identity"}
    assert spread["oracle"] == {"items": len(lines) // 4, "personalization": 0.0, "task": 0.0, "same_answer": 1.0}
    assert {line["condition"] for line in lines} == {"repeat_1", "repeat_2"}


def test_what_a_run_will_cost_includes_its_repeats(run: Run) -> None:
    flags = ("--optimizer", "oracle", "--controls", "identity", "--limit", "6")
    assert run(*flags, "--output_path", "once").exit_code == 0
    said = run(*flags, "--repeats", "3").stderr
    answers, repeats = (len(Path(f"out/{name}.jsonl").read_text().splitlines()) for name in ("samples", "repeats"))
    assert f"{answers + repeats} answers: {answers} known or equal to another, {repeats} to generate" in said


def test_answers_that_are_in_the_folder_are_not_counted_as_to_be_generated(run: Run) -> None:
    flags = ("--optimizer", "oracle", "--controls", "identity", "--limit", "6", "--repeats", "2")
    assert run(*flags).exit_code == 0
    samples, repeats = (Path(f"out/{name}.jsonl").read_text().splitlines(keepends=True) for name in ("samples", "repeats"))
    answers = len(samples) + len(repeats)
    assert f"{answers} answers, all finished or known from the cache: nothing to generate." in run(*flags, "--use_cache", "empty.sqlite").stderr
    Path("out/samples.jsonl").write_text("".join(samples[:-1]))
    Path("out/repeats.jsonl").write_text("".join(repeats[:-1]))
    said = run(*flags, "--use_cache", "another.sqlite").stderr
    assert f"{answers} answers: {answers - 2} known or equal to another, 2 to generate" in said


def test_an_answer_that_was_lost_is_counted_as_to_be_generated(run: Run) -> None:
    assert run().exit_code == 0
    first, *rest = Path("out/samples.jsonl").read_text().splitlines(keepends=True)
    lost = {**json.loads(first), "answer": "", "finish_reason": "error", "error": "the server is away"}
    Path("out/samples.jsonl").write_text("".join([json.dumps(lost) + "\n", *rest]))
    assert "1 to generate" in run("--use_cache", "empty.sqlite").stderr


def test_repeats_that_are_there_are_not_asked_again(run: Run) -> None:
    flags = ("--optimizer", "oracle", "--controls", "identity", "--limit", "6", "--repeats", "2")
    assert run(*flags).exit_code == 0
    before = Path("out/repeats.jsonl").read_text()
    whole = before.splitlines(keepends=True)
    Path("out/repeats.jsonl").write_text("".join(whole[:-1]) + whole[-1][:20])
    assert run(*flags).exit_code == 0
    assert Path("out/repeats.jsonl").read_text() == before


def test_all_controls_runs_the_panel(run: Run) -> None:
    result = run("--optimizer", "all-controls", "--controls", "identity", "--limit", "1", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["optimizer"] == "history"
    assert set(found["arms"]) == set(KNOWN)
