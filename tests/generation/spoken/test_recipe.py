"""Recipes: what they may hold, and one sentence where they hold something else."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import generation
from generation.build import Config
from generation.cli import main
from generation.manifest import check_described
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech
from generation.spoken.recipe import FLAGS, NO_FLAGS, speech_of, with_recipe

GIVEN = {parameter.name: parameter.default for parameter in main.commands["build"].params}


def refused(recipe: bytes, folder: Path) -> str:
    """The one sentence of the command, which wrote nothing."""
    (folder / "recipe.yaml").write_bytes(recipe)
    result = CliRunner().invoke(main, ["build", "--users", "10", "--out", str(folder / "out"), "--recipe", str(folder / "recipe.yaml")])
    assert not (folder / "out").exists()
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


@pytest.mark.parametrize(("recipe", "said"), [
    ("engin: lm", "did you mean 'engine'"),
    ("a: [", "cannot be read (line 1: "),
    ("[1, 2]", "holds a list, wanted names of flags"),
    ("just words", "holds a single value, wanted names of flags"),
    ("", "holds nothing, wanted names of flags"),
    ("seed: 2024-13-45", "cannot be read (month must be in 1..12)"),
    ("users: !!int ''", "cannot be read ("),
    ("seed: 2024-01-02", "seed: 2024-01-02, wanted a whole number from 0 on"),
    ("users: ten", "users: 'ten', wanted a whole number from 1 on"),
    ("users: true", "users: True, wanted a whole number from 1 on"),
    ("users: 10.5", "users: 10.5, wanted a whole number from 1 on"),
    ("at_once: 0", "at_once: 0, wanted a whole number from 1 on"),
    ("out:", "out: nothing, wanted a path"),
    ("out: 5", "out: 5, wanted a path"),
    ("use_cache: [a]", "use_cache: a list, wanted a path"),
    ("num_gpus: '1'", "num_gpus: '1', wanted a number from 0 on"),
    ("num_gpus: .nan", "num_gpus: nan, wanted a number from 0 on"),
    ("model: 3", "model: 3, wanted text"),
    ("engine: yes", "engine: True, wanted text"),
    ("ray_address: 10", "ray_address: 10, wanted text"),
    ("model_args: {pretrained: x}", "model_args: {pretrained: …}, wanted text such as pretrained=FILE.gguf"),
    ("assistants: smol", "assistants: 'smol', wanted a list of models with weights"),
    ("assistants: []", "assistants: a list, wanted a list of models with weights"),
    ("user: smol", "user: 'smol', wanted {model: NAME"),
    ("{engine: lm, model: smol, assistants: [smol]}", "assistants has 'smol', wanted {model: NAME"),
    ("{engine: lm, model: smol, assistants: [{name: smol}]}", "assistants has {name: …}, wanted {model: NAME"),
    ("{engine: lm, model: smol, assistants: [{model: 3}]}", "assistants has model: 3, wanted text"),
    ("{engine: lm, model: smol, assistants: [{model: smol, model_args: [a]}]}", "assistants has model_args: a list, wanted text"),
    *[(f"{{engine: lm, model: smol, assistants: [{{model: smol, weight: {weight}}}]}}", "wanted a number above 0") for weight in
      ("0", ".nan", ".inf", "true", "'1'", "1" + 400 * "0")],
])  # fmt: skip
def test_a_wrong_recipe_is_one_sentence(recipe: str, said: str, tmp_path: Path) -> None:
    assert said in refused(recipe.encode(), tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00\x01\x02", b"[" * 3000], ids=["no text", "NUL", "deep"])
def test_what_is_no_yaml_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    assert "recipe.yaml cannot be read (" in refused(content, tmp_path)


@pytest.mark.parametrize("recipe", [
    "model_args: {api_key: hunter2}", "model: [\napi_key=hunter2: {", "user: {model: smol, key: hunter2}", "model_args: !!int hunter2",
    "model_args: !!float hunter2", "model_args: *hunter2", "model_args: !hunter2 x",
])  # fmt: skip
def test_no_secret_is_told(recipe: str, tmp_path: Path) -> None:
    assert "hunter2" not in refused(recipe.encode(), tmp_path)


@pytest.mark.parametrize(("key", "value"), [
    ("model", "smol"), ("model_args", "pretrained=x"), ("entailment", "mnli"), ("user", "{model: smol}"), ("distractor", "{model: smol}"),
    ("assistants", "[{model: smol}]"), ("at_once", "4"), ("use_cache", "answers.sqlite"),
])  # fmt: skip
def test_a_recipe_that_forgets_its_engine_is_one_sentence(key: str, value: str, tmp_path: Path) -> None:
    found = refused(f"{key}: {value}".encode(), tmp_path)
    assert key in found
    assert found.endswith(" for language models; add --engine lm, or leave it out")


def test_every_flag_is_held_against_something() -> None:
    assert set(FLAGS) == set(GIVEN) - {"recipe", "as_json"} | set(NO_FLAGS)


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    (tmp_path / "recipe.yaml").write_text("out: ~/release", encoding="utf-8")
    assert with_recipe(GIVEN, set(), tmp_path / "recipe.yaml")["out"] == Path("/home/anna/release")


@pytest.mark.parametrize("name", ["laptop", "gpu-80gb", "ray-cluster"])
def test_the_shipped_recipes_are_read(name: str) -> None:
    recipe = Path(generation.__file__).parent / "recipes" / f"{name}.yaml"
    spoken_by = speech_of({**with_recipe(GIVEN, set(), recipe), "at_once": 8, "use_cache": Path("answers.sqlite")})
    assert spoken_by is not None
    assert spoken_by.cast.assistants


def test_a_manifest_can_name_the_entailment_model(tmp_path: Path) -> None:
    voice = Voice("smol")
    described = Config(10, 0, Speech(Cast(voice, voice, (voice,), "models/nli"), tmp_path / "answers.sqlite", 4)).described()
    assert described["cast"]["entailment"] == "nli"
    check_described(described)


def test_what_no_manifest_can_describe_is_refused_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Cast, "described", lambda cast: {"user": "a", "distractor": "b", "assistants": [{"model": "c", "weight": 1.0}], "mood": "good"}
    )
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["build", "--users", "10", "--engine", "lm", "--model", "smol", "--out", str(out)])
    assert result.exit_code == 2
    assert "manifest: at config/cast" in result.stderr
    assert "wanted no key mood" in result.stderr
    assert not out.exists()
