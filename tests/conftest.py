"""What tests of every package share: one tiny release, built once, one that is imported from invented files, and how a command refuses."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import settings

from eval_harness import table
from generation.build import Config, build
from generation.imported.release import import_release
from persona_atlas.data import Release, load_dataset

settings.register_profile("any machine", deadline=None)  # a slow or busy machine makes no test fail
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def few_rounds() -> Iterator[None]:
    """Fewer rounds of the bootstrap than usual in the tests' own process, for speed; commands that they start as processes have the usual ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "ROUNDS", 300)
        yield


@pytest.fixture(scope="session")
def refused() -> Callable[[Result], str]:
    """A function from the result of a command that ended with status 2 to the one sentence on its standard error."""

    def sentence(result: Result) -> str:
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
        return line.removeprefix("Error: ")

    return sentence


@pytest.fixture(scope="session")
def release_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release of twenty users in all four splits. Copy it before changing anything."""
    path = tmp_path_factory.mktemp("release") / "persona-atlas"
    build(Config(20, 0), path, workers=1, progress=lambda done, total: None)
    return path


@pytest.fixture(scope="session")
def release(release_path: Path) -> Release:
    return load_dataset(str(release_path))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three small files in the published forms: samples.json, states.jsonl and card.jsonl, all invented."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "samples.json").write_text(json.dumps(SAMPLES), encoding="utf-8")
    (folder / "states.jsonl").write_text("".join(json.dumps(state) + "\n" for state in STATES), encoding="utf-8")
    (folder / "card.jsonl").write_text("".join(json.dumps(row) + "\n" for row in CARD), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def imported_path(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release that is made of them. Copy it before changing anything."""
    path = tmp_path_factory.mktemp("imported") / "imported"
    import_release(sorted(published.iterdir()), path)
    return path


@pytest.fixture(scope="session")
def imported(imported_path: Path) -> Release:
    return load_dataset(str(imported_path))


def sample(persona: str, stamp: str, features: dict[str, Any], turns: list[dict[str, Any]], noise: dict[str, Any] | None = None) -> dict[str, Any]:
    """A conversation in the form of train_samples.json."""
    return {
        "sample_id": f"interaction_{persona}_{stamp}", "persona_id": persona, "persona_features": features, "original_query": "a seed",
        "initial_query": turns[0].get("metadata", {}).get("clean_version", turns[0]["content"]), "full_conversation": turns,
        "num_turns": len(turns) // 2, "metadata": {"noisy_versions": noise or {}},
    }  # fmt: skip


def said(content: str, clean: str | None = None) -> dict[str, Any]:
    return {"role": "user", "content": content, "metadata": {"clean_version": clean or content, "was_noised": clean is not None}}


def answered(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "metadata": {"model": "some-model"}}


ANNA, BORIS, CLEO = "persona_20260101_080000_aaaaaaaaaaaa", "persona_20260101_080001_bbbbbbbbbbbb", "persona_20260101_080002_cccccccccccc"
LISTS = {"format_pref_primary": "bullets", "length_pref": "detailed", "age_band": 1824, "domain": "food", "scenario": "planning"}
TEA, SOUP = "Which teas go well with lemon cake?", "How do I keep a lentil soup warm for guests?"
NOISY = "so which teas go well with lemon cake??"
NOISE = {"initial_query": {"noisy_versions": [{"noisy_text": NOISY, "applied_strategies": ["colloquial_speech"]}]}}
SAMPLES = [
    sample(
        ANNA, "20260102_090000_000002", {**LISTS, "domain": "travel"},
        [said("Which trains go to Bergen at night?"), answered("One leaves at eleven.")],
    ),
    sample(
        ANNA, "20260102_090000_000001", LISTS,
        [said(NOISY, TEA), answered("- Earl Grey\n- Darjeeling\n- Ceylon tea"), said("And cold?"), answered("Darjeeling.")], NOISE,
    ),
    sample(BORIS, "20260102_090000_000003", {"tone_pref": "warm"}, [said(SOUP), answered("On a low flame.")]),
    sample(BORIS, "20260102_090000_000004", {"tone_pref": "warm"}, [said("Is lentil soup good cold?"), answered("It is.")]),
]  # fmt: skip
STATES = [
    {
        "state_id": f"interaction_{CLEO}_20260103_090000_000001",
        "persona_features": {"example_pref": "some", "length_pref": "terse", "domain": "coding"},
        "history_texts": [
            "User: What does a stack do?\n[ASSISTANT_RESPONSE]\n\nUser: And a queue,\n\nin one line?\n[ASSISTANT_RESPONSE]",
            "User: Why is my loop slow?\n[ASSISTANT_RESPONSE]\n\nUser: It has a list inside.",
        ],
        "original_query": "How do I sort a dictionary by its values?",
        "input": "the same, told",
    }
]
CARD = [
    {
        "id": "c-1", "persona_id": "persona_d", "persona": {"detail_orientation": "summary_first", "tone_pref": None}, "original_query": "x",
        "initial_query": "Should I repot my ferns now?", "full_conversation": [{"role": "user", "content": "Should I repot my ferns now?"},
        {"role": "assistant", "content": "**Summary:** Wait for spring."}], "role_utterances": {}, "num_turns": 1,
    },
    {
        "id": "c-2", "persona_id": "persona_d", "persona": {"detail_orientation": "summary_first"}, "original_query": "x",
        "initial_query": "Which soil suits ferns?", "full_conversation": [{"role": "user", "content": "Which soil suits ferns?"},
        {"role": "assistant", "content": "A loose one."}], "role_utterances": {}, "num_turns": 1,
    },
    {"id": "c-3", "persona_id": "persona_d", "persona": {}, "initial_query": "Why?", "full_conversation": [{"role": "user", "content": "Why?"}]},
]  # fmt: skip
