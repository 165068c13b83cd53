"""new-optimizer writes a start that validate finds good; validate says what is wrong with one that is not."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval_harness.cli import main
from persona_atlas.data import Release


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_new_optimizer_writes_is_an_optimizer(here: Path) -> None:
    written = call("new-optimizer", "my_optimizer")
    assert written.exit_code == 0
    assert (here / "my_optimizer.py").is_file()
    tried = call("validate", "my_optimizer")
    assert tried.exit_code == 0, tried.output
    assert "All 3 requests came back. Score it: atlas-eval --optimizer my_optimizer" in tried.stdout


def test_new_optimizer_overwrites_nothing(here: Path) -> None:
    (here / "mine.py").write_text("kept")
    done = call("new-optimizer", "mine")
    assert (done.exit_code, (here / "mine.py").read_text()) == (2, "kept")
    assert "mine.py is there already" in done.stderr


def test_new_optimizer_wants_a_name() -> None:
    done = call("new-optimizer", "../mine")
    assert done.exit_code == 2
    assert "is no module name" in done.stderr


@pytest.mark.parametrize("name", ["json", "class"])
def test_new_optimizer_takes_no_name_of_pythons(name: str, here: Path) -> None:
    done = call("new-optimizer", name)
    assert done.exit_code == 2
    assert f"is a name of Python's own; give another one, for example my_{name}" in done.stderr
    assert not (here / f"{name}.py").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("history", "is what ships with PersonaAtlas under that name"),
        ("gepa", "is what ships with PersonaAtlas under that name"),
        ("numpy", "is a module that is installed"),
        ("eval_harness", "is a module that is installed"),
    ],
)
def test_new_optimizer_takes_no_name_that_stands_for_something_else(name: str, said: str, here: Path) -> None:
    done = call("new-optimizer", name)
    assert done.exit_code == 2
    assert said in done.stderr
    assert f"give another one, for example my_{name}" in done.stderr
    assert list(here.iterdir()) == []


def test_validate_shows_each_failure(here: Path) -> None:
    (here / "broken.py").write_text("def optimize(request):\n    raise ValueError('no idea')\n")
    done = call("validate", "broken")
    assert done.exit_code == 1
    assert done.stdout.count("no idea") == 3
    assert "3 of 3 requests failed." in done.stdout


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e10"])
def test_validate_refuses_a_time_that_is_none(here: Path, seconds: str) -> None:
    (here / "fine.py").write_text("def optimize(request): return request.query")
    done = call("validate", "fine", "--optimizer_timeout", seconds)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "wanted seconds up to 86,400" in done.stderr


def test_validate_says_that_a_batch_fails(here: Path) -> None:
    (here / "half.py").write_text("def optimize(request): return request.query\ndef optimize_batch(requests): return []\n")
    done = call("validate", "half")
    assert done.exit_code == 2
    assert "its optimize_batch failed: wrong number: optimize_batch returned 0 prompts for 3 requests; mend it, or leave it out" in done.stderr


def test_validate_of_a_module_that_is_not_there() -> None:
    done = call("validate", "nowhere")
    assert done.exit_code == 2
    assert "nowhere" in done.stderr


LEARNS = """
class Learns:
    def fit(self, train, context):
        self.word = context.model.generate([train[0].request.query])[0].split()[0]

    def optimize(self, request):
        return f"{request.query} {self.word}"
"""


def test_validate_fits_what_learns_with_the_calls_it_is_given(here: Path) -> None:
    (here / "learns.py").write_text(LEARNS)
    done = call("validate", "learns:Learns", "--optimizer_calls", 5)
    assert done.exit_code == 0, done.output
    assert "train items with 1 of 5 calls." in done.stdout.splitlines()[0]
    assert "All 3 requests came back. Score it: atlas-eval --optimizer learns:Learns --optimizer_calls 5" in done.stdout


def test_validate_says_that_a_fit_needs_calls(here: Path) -> None:
    (here / "learns.py").write_text(LEARNS)
    done = call("validate", "learns:Learns")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "its fit failed: BudgetError: there are no calls to the model; allow some with --optimizer_calls" in done.stderr


def test_validate_counts_what_it_tried(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "mine.py").write_text("def optimize(request): return request.query")
    items, number = Release.items, 2
    monkeypatch.setattr(Release, "items", lambda release, split: items(release, split)[:number])
    assert "All 2 requests came back." in call("validate", "mine").stdout
    number = 1
    assert "The request came back." in call("validate", "mine").stdout
    number = 0
    done = call("validate", "mine")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the release has no train items to show; give another one with --dataset" in done.stderr


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("history", ""),
        ("all-controls", ""),
        ("profile", ""),
        ("ppopt", ""),
        ("gepa", " --optimizer_calls 300"),
        ("bpo", " --optimizer_args pretrained=DIR,template=FILE"),
    ],
)
def test_what_ships_needs_no_validation_and_is_told_with_the_flags_that_it_needs(name: str, flags: str) -> None:
    done = call("validate", name)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"{name} ships with PersonaAtlas and needs no validation. Score it: atlas-eval --optimizer {name}{flags}\n"


def test_validate_of_a_learner_that_ships_repeats_the_calls_it_was_given() -> None:
    assert call("validate", "gepa", "--optimizer_calls", 50).stdout.endswith("--optimizer gepa --optimizer_calls 50\n")


def test_an_adapter_with_arguments_is_tried(here: Path) -> None:
    done = call("validate", "ppopt", "--optimizer_args", f"checkpoint={here / 'nowhere'}")
    assert done.exit_code == 2
    assert "ships" not in done.output
    assert "nowhere" in done.stderr


def test_a_module_with_the_name_of_a_control_is_never_asked(here: Path) -> None:
    (here / "history.py").write_text("def optimize(request): return request.query")
    done = call("validate", "history")
    assert done.exit_code == 2
    assert "history is what ships with PersonaAtlas under that name, and never history.py here; rename it" in done.stderr
