"""The oracle's wording: tried on validation users, and the same for every run on a target of the leaderboard (MEASUREMENT 6)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eval_harness import wordings
from eval_harness.claims import other_settings
from eval_harness.cli import main
from eval_harness.suites import CORE
from persona_atlas.data import Release
from persona_atlas.models import registry
from persona_atlas.models.protocol import Generation, Sampling
from persona_atlas.models.scripted import ScriptedModel
from persona_atlas.records import Item
from persona_atlas.render import instruct

Run = Callable[..., Result]
RUN: dict[str, Any] = {
    **{name: getattr(CORE, name) for name in ("split", "limit", "items_per_user", "max_gen_toks", "conditions")},
    "suite": "core", "optimizer": "mine", "controls": CORE.arms, "model": "scripted", "model_fingerprint": "scripted-1", "seed": 0,
}  # fmt: skip


@pytest.fixture
def run(release_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function from flags to the result of the command. Flags replace those that it has by itself."""
    monkeypatch.chdir(tmp_path)
    given = ["wordings", "--model", "scripted", "--dataset", str(release_path), "--use_cache", "answers.sqlite"]
    return lambda *flags: CliRunner().invoke(main, [*given, *flags])


def told(item: Item, wording: int) -> str:
    return instruct(item.query, [(gold.dimension, gold.value) for gold in item.gold], item.hard, wording)


class Hearing(ScriptedModel):
    """The simulated target, which obeys wording 2 alone: in another, it answers as if it was not told. It loses the first `lost` answers."""

    def __init__(self, release: Release) -> None:
        super().__init__()
        self.fingerprint = "hearing"
        self.asked: list[str] = []
        self.lost = 0
        self.bare = {told(item, number): item.query for item in release.items("validation") for number in (0, 1, 3)}

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        self.asked += prompts
        for index, generation in super().generate([self.bare.get(prompt, prompt) for prompt in prompts], sampling):
            yield index, Generation("", "error", None, None, "HTTP 503") if index < self.lost else generation


@pytest.fixture
def hearing(release: Release, monkeypatch: pytest.MonkeyPatch) -> Hearing:
    target = Hearing(release)
    monkeypatch.setitem(registry._OURS, "scripted", lambda arguments: target)
    return target


def test_on_a_target_that_obeys_all_wordings_they_are_alike_and_the_first_is_the_best(run: Run, release: Release) -> None:
    done = run()
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    users = len({item.persona_id for item in release.items("validation")})
    assert lines[1] == f"The oracle on {users} validation users, {users} items; 95 % intervals in brackets"
    assert [line.split()[:3] for line in lines if line.startswith("wording ")] == [["wording", str(number), "1.00"] for number in range(4)]
    said = "Wording 0 is the best (a lead over 1, 2, 3 that may be chance), and the one recorded for this target: --oracle_wording 0, the default."
    assert " ".join(done.stdout.split()).endswith(said)


def test_the_wording_that_a_target_obeys_is_the_best_and_where_to_record_it_is_said(run: Run, hearing: Hearing) -> None:
    said = " ".join(run("--items_per_user", "2").stdout.split())
    assert "Wording 2 is the best (a lead over 0, 1, 3 that may be chance): --oracle_wording 2. On the leaderboard, runs on this" in said
    assert said.endswith("until a maintainer records another in CHOSEN of eval_harness/wordings.py, for the fingerprint hearing")
    found = json.loads(run("--items_per_user", "2", "--json").stdout)
    means = [row["personalization"]["mean"] for row in found["wordings"]]
    bare = found["identity"]["mean"]
    assert means == pytest.approx([bare, bare, 1.0, bare])
    assert [row["less_identity"]["mean"] for row in found["wordings"]] == pytest.approx([0.0, 0.0, 1.0 - bare, 0.0])
    assert [row["less_best"]["mean"] for row in found["wordings"]] == pytest.approx([bare - 1.0, bare - 1.0, 0.0, bare - 1.0])
    assert (found["best"], found["leaderboard"], bare < 1.0) == (2, 0, True)


def test_validation_users_alone_are_asked_and_each_prompt_once(run: Run, hearing: Hearing, release: Release) -> None:
    assert run("--limit", "1").exit_code == 0
    first = min(release.items("validation"), key=lambda item: item.item_id)
    assert sorted(hearing.asked) == sorted([first.query, *(told(first, number) for number in range(4))])
    again = run("--limit", "1")
    assert "5 answers, all finished or known from the cache: nothing to generate." in again.stderr
    assert len(hearing.asked) == 5


def test_where_answers_are_lost_no_wording_is_chosen(run: Run, hearing: Hearing) -> None:
    hearing.lost = 3
    done = run("--limit", "2")
    assert done.exit_code == 2
    assert done.stderr.endswith("Error: 3 of 10 answers did not come, so no wording is chosen; run the same command again to ask for them\n")
    hearing.lost = 0
    assert run("--limit", "2").exit_code == 0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model", "scriptd"], "There is no model 'scriptd': did you mean scripted?"),
        (["--model_args", "size=3"], "The model scripted takes no arguments, but --model_args has size: leave it out."),
        (["--limit", "0"], "Invalid value for '--limit': 0 is not in the range x>=1."),
        (["--split", "test"], "No such option '--split'"),
        (["--dataset", "nowhere"], "there is no folder 'nowhere'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_flags_are_refused_in_one_sentence(flags: list[str], sentence: str, run: Run, refused: Callable[[Result], str]) -> None:
    assert refused(run(*flags)).startswith(sentence)


def test_a_release_without_validation_users_is_refused(run: Run, release: Release, monkeypatch: pytest.MonkeyPatch, release_path: Path) -> None:
    monkeypatch.setattr(Release, "items", lambda self, split: () if split == "validation" else release.items(split))
    said = f"the release {release_path} has no validation items, and a wording is chosen on no others; give another --dataset"
    assert run().stderr == f"Error: {said}\n"


def faults(**config: Any) -> list[str]:
    return list(other_settings({**RUN, **config}, CORE))


def test_a_run_in_another_wording_than_its_target_s_cannot_be_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(oracle_wording=0) == []
    assert faults(oracle_wording=2) == ["oracle_wording is 2, and runs on this target have 0: run it with --oracle_wording 0"]
    recorded: Mapping[str, int] = {"scripted-1": 2}
    monkeypatch.setattr(wordings, "CHOSEN", recorded)
    assert faults(oracle_wording=2) == []
    assert faults(oracle_wording=0) == ["oracle_wording is 0, and runs on this target have 2: run it with --oracle_wording 2"]
    assert faults(oracle_wording=0, model_fingerprint="scripted-2") == []
