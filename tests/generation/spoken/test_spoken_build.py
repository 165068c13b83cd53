"""Releases that a language model spoke: true, the same however they were made, and never generating twice what was said."""

import json
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from generation import build as building
from generation.build import Config, build
from generation.cli import main
from generation.executors import Job
from generation.people import Block
from generation.spoken import cast as casting
from generation.spoken.acceptance import provenance
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech
from generation.verify import verify
from generation.verify_conversations import BY_RULES
from persona_atlas.data import open_release
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.records import SPLITS

USERS = 10


class Rewording:
    """Puts some words before each sentence of a message, and answers with what it was asked; gives up after `patience` prompts."""

    name, fingerprint, context_length = "rewording", "rewording 1", None

    def __init__(self, patience: int = 10**9) -> None:
        self.asked: list[str] = []
        self.patience = patience

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for index, prompt in enumerate(prompts):
            if len(self.asked) == self.patience:
                raise ModelError("the model is gone")
            self.asked.append(prompt)
            yield index, Generation(self.answer(prompt), "stop", 1, 1)

    def answer(self, prompt: str) -> str:
        if "Write this in slightly different words" in prompt:
            return "well then, you see, " + prompt.rpartition("\n\n")[2].replace(" the ", " that ")
        return "It is about this: " + " ".join(prompt.replace(":", " ").split()[:60])


def speech(tmp_path: Path, at_once: int = 64) -> Speech:
    voice = Voice("rewording")
    return Speech(Cast(voice, voice, (voice,)), tmp_path / "answers.sqlite", at_once)


def spoken(folder: Path, model: Rewording, monkeypatch: pytest.MonkeyPatch, at_once: int = 64) -> str:
    monkeypatch.setattr(casting, "load_model", lambda name, arguments: model)
    manifest = build(Config(USERS, 3, speech(folder, at_once)), folder / "out", 1, lambda done, total: None)
    return str(manifest["content_digest"])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release's folder."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        spoken(folder, Rewording(), patch)
    return folder / "out"


def one_each(users: int, private: Sequence[str] = ()) -> dict[str, int]:
    """One user in each split, which are fewer than a build can be asked for."""
    return dict.fromkeys(SPLITS, 1)


@pytest.fixture
def few_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "split_counts", one_each)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The digest of an undisturbed release of few users, and how many prompts there were."""
    model = Rewording()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "split_counts", one_each)
        found = spoken(tmp_path_factory.mktemp("small"), model, patch)
    return found, len(model.asked)


def test_its_labels_are_true(undisturbed: Path) -> None:
    report = verify(open_release(undisturbed, "here"), 1, lambda done, total: None)
    assert report.problems == []
    assert report.checked["reveals"] > 20
    assert report.checked[BY_RULES] > 0


def test_the_provenance_says_who_spoke(undisturbed: Path) -> None:
    release = open_release(undisturbed, "here")
    found = provenance(release)
    assert release.manifest["config"]["engine"] == "lm"
    assert release.manifest["config"]["cast"]["assistants"] == [{"model": "rewording", "weight": 1.0}]
    turns = sum(
        len(c.turns) for split in ("train", "validation", "test", "test_ood") for c in [*release.conversations(split), *release.history_noise(split)]
    )
    assert sum(row["turns"] for row in found.values()) == turns
    assert 0.2 < found["user"]["first_try"] <= found["user"]["after_retries"] < 1
    assert found["user"]["failures"]["parrot"] > 0
    assert sum(found["assistant"]["models"].values()) == found["assistant"]["turns"]
    assert "no language model spoke" not in (undisturbed / "README.md").read_text(encoding="utf-8")


def test_what_is_taken_stands_in_the_conversation(undisturbed: Path) -> None:
    release = open_release(undisturbed, "here")
    turns = [turn for conversation in release.conversations("train") for turn in conversation.turns]
    assert any(turn.role == "user" and turn.content.lower().startswith("well then, you see") for turn in turns)
    assert any(turn.role == "assistant" and turn.content.startswith("It is about this") for turn in turns)
    assert {conversation.engine for conversation in release.conversations("train")} == {"lm"}


@pytest.mark.usefixtures("few_users")
def test_how_many_go_on_at_once_changes_nothing(small: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spoken(tmp_path, Rewording(), monkeypatch, at_once=3) == small[0]


class InTurn:
    """Makes one shard after the other as an actor of Ray does, whose models stay from shard to shard."""

    def run(self, job: Job, missing: Sequence[Block], workers: int | None) -> Generator[Block, None, None]:
        for block in missing:
            yield job.make(block)


@pytest.mark.usefixtures("few_users")
def test_shards_that_are_made_one_by_one_are_the_same(small: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    monkeypatch.setattr(casting, "load_model", lambda name, arguments: loaded.append(name) or Rewording())
    manifest = build(Config(USERS, 3, speech(tmp_path)), tmp_path / "out", None, lambda done, total: None, InTurn())
    assert manifest["content_digest"] == small[0]
    assert loaded == ["rewording"]


def test_a_mistyped_model_does_not_stand_in_the_way_of_the_right_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["build", "--users", "10", "--out", str(tmp_path / "out"), "--use_cache", str(tmp_path / "a.sqlite"), "--engine", "lm", "--model"]
    assert "did you mean smol" in CliRunner().invoke(main, [*arguments, "smoll"]).output

    def load_model(name: str, arguments: str | None) -> None:
        raise ModelError("the right one")

    monkeypatch.setattr(casting, "load_model", load_model)
    assert CliRunner().invoke(main, [*arguments, "smol"]).output.endswith("Error: the right one\n")


@pytest.mark.usefixtures("few_users")
def test_after_a_break_nothing_that_was_said_is_asked_again(small: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, prompts = small
    asked = 0
    for patience in (prompts // 3, prompts // 3):
        model = Rewording(patience)
        with pytest.raises(ModelError, match="the model is gone"):
            spoken(tmp_path, model, monkeypatch)
        asked += len(model.asked)
        assert not (tmp_path / "out" / "manifest.json").exists()
    model = Rewording()
    assert spoken(tmp_path, model, monkeypatch) == digest
    assert asked + len(model.asked) == prompts


def test_stats_on_the_command_line(undisturbed: Path) -> None:
    shown = CliRunner().invoke(main, ["stats", str(undisturbed)])
    assert shown.exit_code == 0
    assert "first try" in shown.output
    assert "parrot" in shown.output
    counts = json.loads(CliRunner().invoke(main, ["stats", str(undisturbed), "--json"]).output)
    assert set(counts) == {"user", "assistant", "distractor"}


@pytest.mark.parametrize(("arguments", "said"), [
    (["--engine", "parrot"], "there is no engine 'parrot'; give --engine scripted or --engine lm"),
    (["--engine", "lm"], "a language model is needed"),
    (["--model", "smol"], "add --engine lm"),
    (["--engine", "lm", "--model", "smoll"], "did you mean smol"),
    (["--recipe", "nowhere.yaml"], "the recipe nowhere.yaml cannot be read"),
])  # fmt: skip
def test_wrong_input_is_one_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["build", "--users", "10", "--out", str(tmp_path / "out"), "--use_cache", str(tmp_path / "a.sqlite"), *arguments]
    )
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") <= 2


def test_assistants_are_drawn_by_weight() -> None:
    voice = Voice("smol")
    cast = Cast(voice, voice, (Voice("one", weight=1), Voice("two", "pretrained=/models/two.gguf", weight=3)))
    drawn = [cast.voice(cast.assistant(0, f"c{number}")).label for number in range(400)]
    assert 60 < drawn.count("one") < 140
    assert set(drawn) == {"one", "two two.gguf"}


def test_a_release_is_spoken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = build(Config(USERS, 3), tmp_path / "scripted", 1, lambda done, total: None)
    monkeypatch.setattr(casting, "load_model", lambda name, arguments: Rewording())
    arguments = ["--model", "rewording", "--use_cache", str(tmp_path / "answers.sqlite")]
    result = CliRunner().invoke(main, ["revoice", str(tmp_path / "scripted"), "--out", str(tmp_path / "again"), *arguments])
    assert result.exit_code == 0, result.output
    before, after = (open_release(tmp_path / name, "here") for name in ("scripted", "again"))
    assert after.manifest["config"]["revoiced"] == scripted["content_digest"]
    for split in ("train", "test"):
        assert after.users(split) == before.users(split)
        assert after.items(split) == before.items(split)
        said = [[turn.reveals for turn in conversation.turns] for conversation in after.conversations(split)]
        assert said == [[turn.reveals for turn in conversation.turns] for conversation in before.conversations(split)]
        assert after.conversations(split) != before.conversations(split)
    assert verify(after, 1, lambda done, total: None).problems == []

    one = ["revoice", str(tmp_path / "scripted"), "--split", "test", "--out", str(tmp_path / "one"), *arguments]
    assert CliRunner().invoke(main, one).exit_code == 0
    part = open_release(tmp_path / "one", "here")
    assert {entry["split"] for entry in part.manifest["files"]} == {"test"}
    assert part.conversations("test") == after.conversations("test")
    assert part.manifest["config"]["users"] == len(after.users("test"))
    assert verify(part, 1, lambda done, total: None).problems == []

    result = CliRunner().invoke(main, ["revoice", str(tmp_path / "scripted"), "--split", "tests", "--out", str(tmp_path / "none"), *arguments])
    assert result.exit_code == 2
    assert "has no split tests: give one of train, validation, test, test_ood" in result.output


def test_a_release_that_is_not_there_is_not_spoken_anew(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["revoice", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"), "--model", "smol"])
    assert result.exit_code == 2
    assert "there is no folder" in result.output


def test_a_release_that_is_spoken_already_is_not_spoken_anew(undisturbed: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["revoice", str(undisturbed), "--out", str(tmp_path / "out"), "--model", "scripted"])
    assert result.exit_code == 2
    assert "is spoken by a language model already" in result.output
    assert result.output.endswith("give the scripted release: atlas-generate build --users 10 --seed 3 --out NEW\n")
    assert not (tmp_path / "out").exists()
