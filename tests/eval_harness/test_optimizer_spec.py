"""An optimizer is told from an edited one: by its source, what that imports here, and the files that its arguments name."""

import hashlib
import os
import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval_harness import optimizer_spec
from eval_harness.cli import main
from eval_harness.errors import EvalError
from eval_harness.optimizer_spec import OptimizerSpec, not_looked_at, source_digest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def told(module: str, **arguments: object) -> str | None:
    return source_digest(OptimizerSpec.parse(module, arguments, 1.0))


def sha(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


# Its source


def test_a_module_by_itself_has_the_digest_of_its_file(here: Path) -> None:
    source = "import json, numpy\nfrom persona_atlas.protocol import Prompt\nfrom eval_harness import controls\ndef optimize(request): return '!'\n"
    own = write(here / "mine.py", source)
    for other in ("other.py", "json.py", "numpy/__init__.py", "persona_atlas/__init__.py", "mine/data.py"):
        write(here / other, "x = 1")
    assert told("mine") == told("mine:optimize", depth=3, mode="no such path") == sha(own)


def test_what_is_installed_and_names_no_file_has_none(here: Path) -> None:
    assert told("json", depth=3) is None
    assert told("persona_atlas.no_such.module") is None


def test_what_ships_is_the_same_wherever_it_is_run(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    write(here / "persona_atlas/ppopt/optimizer.py", "x = 1")
    found = {name: told(name) for name in ("ppopt", "gepa")}
    monkeypatch.chdir(REPOSITORY)
    assert {name: told(name) for name in found} == found
    assert None not in found.values()
    assert told("ppopt", checkpoint=str(here)) != found["ppopt"]


@pytest.mark.parametrize("changed", ["optimizer.py", "chats.py", "words/wishes.yaml", "trained/adapter_model.safetensors"])
def test_of_what_ships_all_files_beside_it_count(changed: str, monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    folder = here / "ppopt"
    shutil.copytree(REPOSITORY / "persona_atlas/ppopt", folder)
    monkeypatch.setattr(optimizer_spec, "find_spec", lambda module: ModuleSpec(module, None, origin=str(folder / "optimizer.py")))
    before = told("ppopt")
    with (folder / changed).open("ab") as file:
        file.write(b" ")
    assert told("ppopt") != before


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("import helper", "helper.py"),
        ("def optimize(request):\n    from helper import word", "helper.py"),
        ("import middle", "helper.py"),
        ("import tools.words", "tools/words.py"),
        ("from tools import words", "tools/deep/more.py"),
    ],
)
def test_what_it_imports_from_beside_it_counts(source: str, changed: str, here: Path) -> None:
    for name, text in (("mine", source), ("middle", "import helper, mine"), ("helper", "word = 1"), ("tools/__init__", ""), ("tools/words", "x = 1")):
        write(here / f"{name}.py", text)
    write(here / "tools/deep/more.py", "x = 1")
    before = told("mine")
    write(here / changed, "word = 2")
    assert told("mine") != before


@pytest.mark.parametrize("module", ["pack", "pack.mine", "pack.mine:optimize"])
@pytest.mark.parametrize("changed", ["pack/__init__.py", "pack/mine.py", "pack/deep/words.py", "beside.py"])
@pytest.mark.parametrize("regular", [True, False])
def test_of_a_package_all_source_counts(module: str, changed: str, regular: bool, here: Path) -> None:
    for name in ("pack/mine.py", "pack/deep/words.py", "pack/__init__.py"):
        write(here / name, "import beside")
    write(here / "beside.py", "x = 1")
    if not regular and module != "pack":
        (here / "pack/__init__.py").unlink()
    before = told(module)
    write(here / changed, "import beside  # changed")
    assert told(module) != before


@pytest.mark.parametrize("name", ["pack/more.py", "pack/words/wishes.txt"])
def test_a_new_file_of_the_package_counts_be_it_source_or_data(name: str, here: Path) -> None:
    write(here / "pack/__init__.py", "")
    before = told("pack")
    write(here / "pack/__pycache__/old.pyc", "compiled")
    write(here / "pack/.notes", "to do")
    assert told("pack") == before == sha(here / "pack/__init__.py")
    write(here / name, "")
    assert told("pack") != before


def test_a_package_counts_before_a_file_of_its_name_as_it_is_imported_before(here: Path) -> None:
    write(here / "both.py", "")
    write(here / "both/__init__.py", "x = 1")
    before = told("both")
    write(here / "both/__init__.py", "x = 2")
    assert told("both") != before


def test_a_module_that_is_no_python_has_its_digest_all_the_same(here: Path) -> None:
    assert told("mine") is None
    assert told("mine") != sha(write(here / "mine.py", "def ("))
    assert told("mine") == sha(here / "mine.py")


# What its arguments name


def test_a_file_that_an_argument_names_counts_by_its_bytes(here: Path, tmp_path: Path) -> None:
    write(here / "mine.py", "")
    weights = write(tmp_path / "weights.bin", "one")
    before = told("mine", base=str(weights))
    os.utime(weights, (1, 1))
    assert told("mine", base=str(weights)) == before
    write(weights, "two")
    assert told("mine", base=str(weights)) != before
    assert told("json", base=str(weights)) is not None


@pytest.mark.parametrize("changed", ["adapter.safetensors", "deep/settings.json", ".hidden/settings.json", "new.json"])
@pytest.mark.parametrize("form", ["whole", "from here", "from home"])
def test_a_folder_that_an_argument_names_counts_with_all_below_it(changed: str, form: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "mine.py", "")
    for name in ("adapter.safetensors", "deep/settings.json", ".hidden/settings.json"):
        write(here / "trained" / name, "one")
    monkeypatch.setenv("HOME", str(here))
    named = {"whole": str(here / "trained"), "from here": "trained", "from home": "~/trained"}[form]
    before = told("mine", checkpoint=named)
    assert before not in (None, told("mine"))
    assert told("mine", checkpoint=named) == before
    write(here / "trained" / changed, "two")
    assert told("mine", checkpoint=named) != before


def test_links_are_followed_and_a_circle_ends(here: Path, tmp_path: Path) -> None:
    write(here / "mine.py", "")
    weights = write(tmp_path / "store/weights.bin", "one")
    trained = tmp_path / "trained"
    trained.mkdir()
    (trained / "store").symlink_to(tmp_path / "store")
    (trained / "circle").symlink_to(trained)
    (trained / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(trained / "pipe")
    before = told("mine", checkpoint=str(trained))
    write(weights, "two")
    assert told("mine", checkpoint=str(trained)) != before


@pytest.mark.parametrize("value", ["/", ".", "..", "", "/dev/zero", "long " * 10_000, 3, None, ["mine.py"]])
def test_what_is_no_path_of_the_optimizers_is_let_be(value: object, here: Path) -> None:
    own = write(here / "mine.py", "")
    assert told("mine", separator=value) == sha(own)


def test_a_folder_that_holds_the_working_folder_is_named(here: Path, tmp_path: Path) -> None:
    write(here / "trained/adapter.bin", "")
    spec = OptimizerSpec.parse("mine", {"root": str(tmp_path), "own": str(here), "checkpoint": "trained", "depth": 3}, 1.0)
    assert not_looked_at(spec) == [f"root={tmp_path}", f"own={here}"]


def test_a_file_that_cannot_be_read_is_one_sentence(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    write(here / "mine.py", "")
    monkeypatch.setattr("persona_atlas.shards.file_sha256", refuse)
    with pytest.raises(EvalError, match=r"mine\.py belongs to the optimizer and cannot be read \(Permission denied\)"):
        told("mine")


# A run


def test_a_run_with_another_checkpoint_under_the_same_path_is_another_run(here: Path, tmp_path: Path, release_path: Path) -> None:
    write(here / "mine.py", "def optimize(request, *, checkpoint, root): return request.query + open(checkpoint + '/words').read()\n")
    flags = ["--optimizer", "mine", "--optimizer_args", f"checkpoint={tmp_path}/trained,root={here}", "--model", "scripted", "--limit", "1"]
    flags += ["--dataset", str(release_path), "--use_cache", str(tmp_path / "c.sqlite")]
    for number, words in enumerate((" Please.", " Be brief.", " Be brief."), 1):
        write(tmp_path / "trained/words", words)
        done = CliRunner().invoke(main, flags)
        assert done.exit_code == 0, done.output
        assert f"The argument root={here} holds the working folder: what changes in it does not make another run." in done.stderr
        assert len(list((here / "runs").iterdir())) == min(number, 2)
