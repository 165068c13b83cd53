"""A run: killed and resumed it comes to the same results, and nothing that is finished is done again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval_harness.cli import main
from eval_harness.errors import EvalError
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.runfolder import read_samples
from eval_harness.runner import Evaluation, choose_items, evaluate
from persona_atlas.data import Release
from persona_atlas.models.cache import CachedModel, ResponseCache
from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.models.scripted import ScriptedModel

OPTIMIZER = """
def optimize(request, context):
    if request.query.startswith("H"):
        raise ValueError("no question with H")
    last = request.history[-1][0].content if request.history else ""
    return f"{last}\\n\\n{request.query}"
"""
COMMAND = Path(sys.executable).parent / "atlas-eval"
FLAGS = ["--optimizer", "mine", "--model", "scripted", "--conditions", "clean,history_2", "--limit", "4", "--controls", "history,oracle"]
KILLED_AFTER = 40
KILLED = f"""
import os, signal, sys
from eval_harness.cli import main
from eval_harness.runfolder import RunFolder

add, samples = RunFolder.add_sample, []

def add_and_die(folder, sample):
    add(folder, sample)
    samples.append(sample)
    if len(samples) == {KILLED_AFTER}:
        os.kill(os.getpid(), signal.SIGKILL)

RunFolder.add_sample = add_and_die
main(sys.argv[1:])
"""
WAITING = """
import time
from pathlib import Path

answered = []

def optimize(request):
    while len(answered) == 2 and not Path(__file__).with_name("go on").exists():
        time.sleep(0.01)
    answered.append(request)
    return request.query
"""


class CountingModel(ScriptedModel):
    """The scripted target, counting what it is asked; `failing` prompts get an error, as where a server is away."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.failing = failing

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for index, generation in super().generate(prompts, sampling):
            self.asked.append(prompts[index])
            failed = prompts[index] in self.failing
            yield index, Generation("", "error", None, None, "the server is away") if failed else generation


@contextmanager
def no_progress(unit: str) -> Iterator[object]:
    yield lambda done, total: None


def evaluation(release: Release, model: CountingModel, **changes: object) -> Evaluation:
    made = Evaluation(
        release=release,
        split="test",
        items=choose_items(release, "test", 2),
        conditions=("clean", "history_0"),
        arm="oracle",
        spec=None,
        controls=("history",),
        model=model,
        sampling=Sampling(),
        seed=0,
        wording=0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def run(made: Evaluation, output: Path) -> None:
    evaluate(made, output, {"seed": 0}, lambda prompts: None, no_progress)


def arguments(release: Path, folder: Path, output: str, cache: str) -> list[str]:
    return [*FLAGS, "--dataset", str(release), "--output_path", str(folder / output), "--use_cache", str(folder / cache)]


def command(folder: Path, given: Sequence[str]) -> Result:
    """The command in this folder, where its optimizer is, and in this process."""
    with chdir(folder):
        result = CliRunner().invoke(main, given)
    assert result.exit_code == 0, result.output
    return result


def keys(output: Path) -> list[tuple[str, str, str]]:
    lines = (output / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    return [(line["arm"], line["condition"], line["item_id"]) for line in map(json.loads, lines)]


@pytest.fixture
def folder(tmp_path: Path, release_path: Path) -> Path:
    """Two runs of one configuration: `whole` undisturbed, `torn` killed (SIGKILL) among the answers. Both with a cache of their own."""
    (tmp_path / "mine.py").write_text(OPTIMIZER)
    command(tmp_path, arguments(release_path, tmp_path, "whole", "whole.sqlite"))
    process = [sys.executable, "-c", KILLED, *arguments(release_path, tmp_path, "torn", "torn.sqlite")]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # what the kill leaves there goes with the tests' own folder
    killed = subprocess.run(process, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    return tmp_path


def test_a_killed_run_resumes_to_the_same_samples_and_results(folder: Path, release_path: Path) -> None:
    torn, whole = folder / "torn", folder / "whole"
    before = keys(torn)
    assert len(before) == KILLED_AFTER < len(keys(whole))
    lines = (torn / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    prompts = (torn / "prompts.jsonl").read_bytes()
    resumed = command(folder, arguments(release_path, folder, "torn", "fresh.sqlite"))
    assert f"{len(before)}/{len(keys(whole))} answers" in resumed.stderr

    found = (torn / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    assert found[: len(lines)] == lines, "what was finished before the kill was done again"
    assert set(found) == set((whole / "samples.jsonl").read_text(encoding="utf-8").splitlines())
    assert len(found) == len(set(keys(torn)))
    assert (torn / "prompts.jsonl").read_bytes() == prompts
    assert (torn / "results.json").read_bytes() == (whole / "results.json").read_bytes()

    missing = {sample.prompt for sample in read_samples(torn)[len(lines) :] if sample.prompt is not None}
    assert len(ResponseCache(folder / "fresh.sqlite")) == len(missing), "what was finished before the kill was generated again"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(stop: signal.Signals, tmp_path: Path, release_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(WAITING)
    flags = ["--optimizer", "waiting", "--model", "scripted", "--limit", "4", "--dataset", release_path]
    given = [str(part) for part in (*flags, "--output_path", tmp_path / "stopped", "--use_cache", tmp_path / "stopped.sqlite")]
    process = subprocess.Popen(
        [COMMAND, *given], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever runs the tests in the background has it ignored
    )  # fmt: skip
    prompts, deadline = tmp_path / "stopped" / "prompts.jsonl", time.monotonic() + 60
    while not (prompts.is_file() and prompts.read_bytes().count(b"\n") >= 2) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(stop)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert not list(tmp_path.glob("persona-atlas-*")), "the optimizer's folder was left behind"
    assert said.rstrip().endswith("Stopped. What is finished is kept: run the same command again to go on.")
    before = prompts.read_text(encoding="utf-8")
    assert before.count("\n") == 2
    (tmp_path / "go on").touch()
    command(tmp_path, given)
    assert prompts.read_text(encoding="utf-8").startswith(before)
    assert (tmp_path / "stopped" / "results.json").is_file()


def test_another_optimizer_with_the_same_prompts_generates_nothing(release: Release, tmp_path: Path) -> None:
    model, cache = CountingModel(), ResponseCache(tmp_path / "cache.sqlite")
    made = replace(evaluation(release, model, controls=(), conditions=("clean",)), model=CachedModel(model, cache))
    run(made, tmp_path / "first")
    asked = len(model.asked)
    assert asked > 0
    (tmp_path / "mine.py").write_text("def optimize(request):\n    return request.query")
    run(replace(made, arm="mine", spec=OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)), tmp_path / "second")
    assert len(model.asked) == asked
    assert {s.answer for s in read_samples(tmp_path / "second")} <= {s.answer for s in read_samples(tmp_path / "first")}


def test_a_finished_run_is_only_read_again(release: Release, tmp_path: Path) -> None:
    run(evaluation(release, CountingModel()), tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    again = CountingModel()
    run(evaluation(release, again), tmp_path / "run")
    assert again.asked == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_every_arm_condition_and_item_gets_one_sample(release: Release, tmp_path: Path) -> None:
    made = evaluation(release, CountingModel())
    run(made, tmp_path / "run")
    expected = {(arm, condition, item.item_id) for arm in ("oracle", "identity", "history") for condition in made.conditions for item in made.items}
    assert set(keys(tmp_path / "run")) == expected
    assert len(keys(tmp_path / "run")) == len(expected)


def test_identity_always_runs_and_no_arm_twice(release: Release) -> None:
    made = evaluation(release, CountingModel(), arm="history", controls=("oracle", "identity", "history"))
    assert made.arms() == ("history", "identity", "oracle")


def test_a_users_items_stand_together(release: Release) -> None:
    jobs = evaluation(release, CountingModel()).jobs()
    users = [(job.condition, job.arm, job.item.persona_id) for job in jobs]
    assert users == sorted(users, key=users.index)


def test_limit_counts_users(release: Release) -> None:
    assert len({item.persona_id for item in choose_items(release, "test", 2)}) == 2
    assert len(choose_items(release, "test", 2)) == 8
    assert choose_items(release, "test", None) == choose_items(release, "test", 999)
    assert choose_items(release, "test", None)[:8] == choose_items(release, "test", 2)


def test_items_are_chosen_by_id_whatever_their_order_in_the_file(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sorted(release.items("test"), key=lambda item: (item.persona_id, item.item_id))
    assert choose_items(release, "test", None) == tuple(first)
    monkeypatch.setattr(Release, "item_ids", lambda self, split: [(item.persona_id, item.item_id) for item in reversed(first)])
    monkeypatch.setattr(Release, "items_at", lambda self, split, places: [list(reversed(first))[place] for place in places])
    assert choose_items(release, "test", 2, 1) == (first[0], first[4])


def test_an_infrastructure_error_is_recorded_and_tried_again_by_the_next_run(release: Release, tmp_path: Path) -> None:
    (query, *_) = (item.query for item in choose_items(release, "test", 2))
    run(evaluation(release, CountingModel([query])), tmp_path / "run")
    failed = [sample for sample in read_samples(tmp_path / "run") if sample.finish_reason == "error"]
    assert {(sample.prompt, sample.error) for sample in failed} == {(query, "the server is away")}

    again = CountingModel()
    run(evaluation(release, again), tmp_path / "run")
    assert again.asked == [sample.prompt for sample in failed]
    assert all(sample.finish_reason == "stop" for sample in read_samples(tmp_path / "run"))


def test_a_failure_of_the_optimizer_is_no_prompt_and_asks_the_target_nothing(release: Release, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def optimize(request):\n    raise ValueError('no luck')")
    model = CountingModel()
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    run(evaluation(release, model, arm="mine", spec=spec, controls=(), conditions=("clean",)), tmp_path / "run")
    mine = [sample for sample in read_samples(tmp_path / "run") if sample.arm == "mine"]
    found = {(sample.prompt, sample.answer, sample.finish_reason, sample.failure) for sample in mine}
    assert found == {(None, "", "no_prompt", "ValueError: no luck")}
    assert len(model.asked) == len(mine)  # identity's


def test_no_condition_is_helped_by_what_was_seen_under_another(release: Release, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("""
import os
SEEN = set()
def optimize(request):
    SEEN.add(request.user)
    return f"{len(SEEN)} {request.user} {os.getpid()}"
""")
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    conditions = ("clean", "history_0", "history_2")
    made = evaluation(release, CountingModel(), arm="mine", spec=spec, controls=(), conditions=conditions)
    run(made, tmp_path / "run")
    mine = [sample for sample in read_samples(tmp_path / "run") if sample.arm == "mine"]
    said = {condition: [str(sample.prompt).split() for sample in mine if sample.condition == condition] for condition in conditions}
    assert [max(int(count) for count, _, _ in said[condition]) for condition in conditions] == [2, 2, 2]
    assert len({process for condition in conditions for _, _, process in said[condition]}) == 3
    assert len({user for condition in conditions for _, user, _ in said[condition]}) == 6


def test_the_optimizer_gets_opaque_users_that_stay_the_same_within_a_condition(release: Release, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def optimize(request):\n    return request.user")
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    given = []
    for name in ("one", "two"):
        made = evaluation(release, CountingModel(), arm="mine", spec=spec, controls=(), conditions=("clean",))
        run(made, tmp_path / name)
        prompts = {sample.item_id: sample.prompt for sample in read_samples(tmp_path / name) if sample.arm == "mine"}
        given.append({(item.persona_id, prompts[item.item_id]) for item in made.items})
    assert [len(users) for users in given] == [2, 2]
    assert not given[0] & given[1], "users must not be recognized across runs"
    assert not any(persona_id in str(user) for users in given for persona_id, user in users)


def test_what_the_module_prints_is_kept_in_the_run_folder(release: Release, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def optimize(request):\n    print('thinking')\n    return request.query")
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    run(evaluation(release, CountingModel(), arm="mine", spec=spec, controls=(), conditions=("clean",)), tmp_path / "run")
    assert "thinking" in (tmp_path / "run" / "optimizer.log").read_text()


def test_a_run_that_goes_on_keeps_what_the_module_printed_before(release: Release, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def optimize(request):\n    print('thinking')\n    return request.query")
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    made = evaluation(release, CountingModel(), arm="mine", spec=spec, controls=(), conditions=("clean",))
    run(made, tmp_path / "run")
    (tmp_path / "run" / "optimizer.log").write_text("printed before\n")
    (tmp_path / "run" / "prompts.jsonl").unlink()
    run(made, tmp_path / "run")
    assert (tmp_path / "run" / "optimizer.log").read_text().startswith("printed before\nthinking\n")


def test_a_resumed_run_finds_the_budget_and_the_asked_prompts_of_an_undisturbed_one(release: Release, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("""
def optimize(request, context):
    context.model.generate(["the same for all", request.query])
    return f"{request.query} {context.model.calls_left}"
""")
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    made = evaluation(release, CountingModel(), arm="mine", spec=spec, controls=(), optimizer_calls=9)  # 8 questions twice, and what is the same
    run(made, tmp_path / "whole")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "run.json").write_bytes((tmp_path / "whole" / "run.json").read_bytes())
    lines = (tmp_path / "whole" / "prompts.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "torn" / "prompts.jsonl").write_text("".join(lines[:5]), encoding="utf-8")
    run(made, tmp_path / "torn")
    found, wanted = read_samples(tmp_path / "torn"), read_samples(tmp_path / "whole")
    assert found == wanted
    assert [sample.calls for sample in wanted if sample.arm == "mine"] == [2, *[1] * 7, *[0] * 8]


def test_a_prompt_for_which_the_target_lost_an_answer_is_missing_and_made_by_the_same_command(release: Release, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def optimize(request, context):\n    return request.query + ' ' + context.model.generate(['What now?'])[0]")
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    made = evaluation(release, CountingModel(failing=["What now?"]), arm="mine", spec=spec, controls=(), conditions=("clean",), optimizer_calls=3)
    run(made, tmp_path / "run")
    mine = [sample for sample in read_samples(tmp_path / "run") if sample.arm == "mine"]
    assert {(sample.prompt, sample.finish_reason, sample.failure) for sample in mine} == {(None, "error", None)}
    assert {sample.error for sample in mine} == {"the target lost 1 of the answers that the optimizer asked for"}
    run(replace(made, model=CountingModel()), tmp_path / "run")
    assert {sample.finish_reason for sample in read_samples(tmp_path / "run") if sample.arm == "mine"} == {"stop"}


def test_why_a_batch_failed_is_told_and_kept(release: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text("def optimize(request): return request.query\ndef optimize_batch(requests): raise OSError('no room')\n")
    spec = OptimizerSpec("mine", None, {}, str(tmp_path), 5.0)
    run(evaluation(release, CountingModel(), arm="mine", spec=spec, controls=(), conditions=("clean",)), tmp_path / "run")
    assert capsys.readouterr().err == "optimize_batch failed (OSError: no room), so requests are answered one at a time by optimize.\n"
    assert (tmp_path / "run" / "optimizer.log").read_text() == "optimize_batch failed: OSError: no room\n"


# The output folder: looked at first, and the optimizer is started only where it is needed

LEARNER = """
from pathlib import Path

def fit(train, context):
    with Path({place!r}).open("a") as file:
        file.write("fitted ")
    context.score([(task, task.request.query) for task in train[:3]])
    print("learned")

def optimize(request):
    return request.query
"""


@pytest.fixture
def learner(release: Release, tmp_path: Path) -> Evaluation:
    """An evaluation of an optimizer that fits, with three calls. `fits` counts how often it did."""
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "learner.py").write_text(LEARNER.format(place=str(tmp_path / "fitted")))
    spec = OptimizerSpec("learner", None, {}, str(tmp_path / "module"), 20.0)
    return evaluation(release, CountingModel(), arm="learner", spec=spec, controls=(), conditions=("clean",), optimizer_calls=3)


def fits(tmp_path: Path) -> int:
    file = tmp_path / "fitted"
    return file.read_text().count("fitted") if file.exists() else 0


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_of_something_else_stays_as_it_is_and_costs_no_fit(learner: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "strange").mkdir()
    for name in ("prompts.jsonl", "samples.jsonl"):
        (tmp_path / "strange" / name).write_text("a first line\nand a last one without an end")
    before = content(tmp_path / "strange")
    with pytest.raises(EvalError, match="is not empty and holds no run"):
        run(learner, tmp_path / "strange")
    assert content(tmp_path / "strange") == before
    assert fits(tmp_path) == 0


def test_a_run_of_another_configuration_stays_as_it_is_and_costs_no_fit(learner: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"config": {"seed": 1}}')
    (tmp_path / "other" / "prompts.jsonl").write_text("torn")
    (tmp_path / "other" / "fit.json").write_text('{"calls": 99, "tokens": 1}')
    (tmp_path / "other" / "optimizer.log").write_text("what it printed then")
    before = content(tmp_path / "other")
    with pytest.raises(EvalError, match="holds a run of another configuration: seed is 1 there, 0 here"):
        run(learner, tmp_path / "other")
    assert content(tmp_path / "other") == before
    assert fits(tmp_path) == 0


def test_a_finished_run_that_is_run_again_does_not_fit_and_stays_as_it_is(learner: Evaluation, tmp_path: Path) -> None:
    run(learner, tmp_path / "run")
    before = content(tmp_path / "run")
    assert json.loads(before["fit.json"])["calls"] == 3
    assert b"learned" in before["optimizer.log"]
    run(learner, tmp_path / "run")
    assert content(tmp_path / "run") == before
    assert fits(tmp_path) == 1


def test_a_run_that_stopped_at_the_answers_goes_on_without_a_fit_and_keeps_what_it_cost(learner: Evaluation, tmp_path: Path) -> None:
    def stop(prompts: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(learner, tmp_path / "run", {"seed": 0}, stop, no_progress)
    kept = {name: (tmp_path / "run" / name).read_bytes() for name in ("run.json", "prompts.jsonl", "fit.json", "optimizer.log")}
    run(learner, tmp_path / "run")
    assert {name: (tmp_path / "run" / name).read_bytes() for name in kept} == kept
    assert len(read_samples(tmp_path / "run")) == 2 * len(learner.items)
    assert fits(tmp_path) == 1


def test_what_fit_cost_is_on_disk_before_the_first_prompt(learner: Evaluation, tmp_path: Path) -> None:
    seen: list[set[str]] = []

    @contextmanager
    def looking(unit: str) -> Iterator[object]:
        yield lambda done, total: seen.append(set(content(tmp_path / "run")))

    evaluate(learner, tmp_path / "run", {"seed": 0}, lambda prompts: None, looking)
    assert {"run.json", "fit.json"} <= seen[0]
    assert "prompts.jsonl" not in seen[0]


def test_a_run_that_stopped_among_the_prompts_fits_again(learner: Evaluation, tmp_path: Path) -> None:
    run(learner, tmp_path / "run")
    prompts = tmp_path / "run" / "prompts.jsonl"
    prompts.write_bytes(b"".join(prompts.read_bytes().splitlines(keepends=True)[:3])[:-20])
    (tmp_path / "run" / "samples.jsonl").unlink()
    run(learner, tmp_path / "run")
    assert fits(tmp_path) == 2
    assert len(read_samples(tmp_path / "run")) == 2 * len(learner.items)


def test_an_optimizer_that_cannot_fit_leaves_no_new_folder(learner: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "module" / "learner.py").write_text("def fit(train, context): 1 / 0\ndef optimize(request): return '!'")
    with pytest.raises(EvalError, match="its fit failed: ZeroDivisionError"):
        run(learner, tmp_path / "runs" / "mine")
    assert not (tmp_path / "runs").exists()
