"""Other people's optimizers, really run on the simulated target: they fit within the budget, and give prompts that keep the question.

Those that need libraries of their own are run by `make test-slow`, which installs them.
"""

import json
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest

from eval_harness.adapters import ADAPTERS, EXTRAS, LEARNERS
from eval_harness.adapters.bpo import Bpo
from eval_harness.adapters.instruction import START, Instruction
from eval_harness.errors import EvalError
from eval_harness.metered import Meter, train_items
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.sandbox import Sandbox
from persona_atlas.data import Release
from persona_atlas.models import Sampling, load_model
from persona_atlas.protocol import Message, Request, TrainTask

CHAT = (Message("user", "What is a fjord?"), Message("assistant", "A long arm of the sea."), Message("user", "Shorter, please."))
REQUEST = Request("user-1", (CHAT,), "How much dried pasta do I need for 4 people?")


def opened(name: str, release: Release, calls: int, **arguments: object) -> Sandbox:
    meter = Meter(load_model("scripted"), Sampling(200), calls, release, train_items(release, 0))
    return Sandbox(OptimizerSpec.parse(name, arguments, 60.0), 0, meter)


@pytest.fixture(scope="module", params=LEARNERS)
def learner(request: pytest.FixtureRequest, release: Release) -> Iterator[Sandbox]:
    with opened(request.param, release, 60, tasks=3) as sandbox:
        sandbox.start()
        yield sandbox


@pytest.mark.slow
def test_it_fits_within_its_calls(learner: Sandbox) -> None:
    assert learner.meter is not None
    assert 6 <= learner.fit_usage.calls <= 60
    assert learner.fit_usage.calls == learner.meter.calls


@pytest.mark.slow
def test_its_prompt_keeps_the_question_and_shows_the_history(learner: Sandbox) -> None:
    reply = learner.optimize(REQUEST)
    assert reply.failure is None
    assert reply.text is not None
    assert REQUEST.query in reply.text
    assert "Shorter, please." in reply.text
    assert reply.usage.calls == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_too_few_calls_are_told_in_a_sentence(name: str, release: Release) -> None:
    with (
        opened(name, release, 3) as sandbox,
        pytest.raises(EvalError, match=r"needs at least \d+ calls and has 3; allow more with --optimizer_calls"),
    ):
        sandbox.start()


@pytest.mark.slow
def test_a_rewriting_without_tags_does_not_keep_textgrad_from_the_other_batches(release: Release) -> None:
    with opened("textgrad", release, 60) as sandbox:
        sandbox.start()
    assert sandbox.fit_usage.calls > 2 * (4 + 1)  # each of two batches is scored and rewritten, and then the instruction is judged
    assert b"step 2: the rewriting has no tags" in sandbox.log


def test_too_few_train_users_to_judge_by_are_told_before_a_call_is_spent() -> None:
    train = [TrainTask(number, REQUEST) for number in range(3)]
    assert [len(part) for part in Instruction(tasks=2).parts(train)] == [2, 1]
    with pytest.raises(ValueError, match="there are 3 train tasks, and with tasks=3 none are left to judge by; give fewer"):
        Instruction(tasks=3).parts(train)


@pytest.mark.parametrize(("name", "given"), [("tasks", 0), ("tasks", 2.5), ("tasks", True), ("characters", -1), ("characters", "many")])
def test_an_argument_of_a_learner_that_is_no_number_is_refused(name: str, given: object) -> None:
    with pytest.raises(ValueError, match=f"{name} is {given}, wanted a whole number from [01] on"):
        Instruction(**{name: given})  # type: ignore[arg-type]


def test_an_instruction_shows_the_newest_conversations_that_fit() -> None:
    chats = tuple((Message("user", f"{word} " * 30),) for word in ("oldest", "older", "newest"))
    prompt = Instruction(characters=450).prompt("Be kind.", Request("u", chats, "Why?"))
    assert prompt.startswith("Be kind.")
    assert prompt.endswith("Why?")
    assert "oldest" not in prompt
    assert prompt.index("older") < prompt.index("newest")


def test_without_a_history_the_instruction_stands_before_the_question() -> None:
    assert Instruction().optimize(Request("u", (), "Why?")) == f"{START}\n\nMy question: Why?"


@pytest.fixture(scope="module")
def rewriter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that transformers opens: two random layers with the embedded model's tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from persona_atlas.models.smol import smol_weights
    from persona_atlas.ppopt.tokenizer import load_tokenizer

    folder, tokenizer = tmp_path_factory.mktemp("rewriter"), load_tokenizer(smol_weights())
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def bpo(rewriter: Path, tmp_path: Path) -> dict[str, Any]:
    """Arguments of the adapter."""
    (tmp_path / "template.txt").write_text("Rewrite: {query} ->")
    return {"pretrained": str(rewriter), "template": str(tmp_path / "template.txt"), "max_new_tokens": 5}


def test_bpo_asks_a_rewriting_of_the_wrapped_query_and_returns_it_alone(bpo: dict[str, Any]) -> None:
    optimizer = Bpo(**bpo)
    written = optimizer.optimize(REQUEST)
    assert written
    assert written == optimizer.optimize(REQUEST)
    assert "Rewrite:" not in written
    assert REQUEST.query not in written


@pytest.mark.slow
def test_bpo_says_the_same_in_a_process_of_its_own(bpo: dict[str, Any], release: Release) -> None:
    with opened("bpo", release, 0, **bpo) as sandbox:
        sandbox.start()
        assert sandbox.optimize(REQUEST).text == Bpo(**bpo).optimize(REQUEST)


def test_a_bpo_template_without_a_place_for_the_query_is_refused(rewriter: Path, tmp_path: Path, release: Release) -> None:
    (tmp_path / "template.txt").write_text("Rewrite this.")
    sandbox = opened("bpo", release, 0, pretrained=str(rewriter), template=str(tmp_path / "template.txt"))
    with sandbox, pytest.raises(EvalError, match=r"holds no \{query\}; put it where the query belongs"):
        sandbox.start()


def test_every_adapter_has_its_extra() -> None:
    extras = {line.split("extra == ")[1].strip("\"'") for line in requires("persona-atlas") or [] if "extra == " in line}
    assert set(EXTRAS.values()) <= extras
    assert set(EXTRAS) == set(ADAPTERS)


def test_an_adapter_without_its_library_says_what_to_install(tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['gepa'] = None\n")
    monkeypatch.setattr("eval_harness.process._package_roots", lambda: [str(tmp_path), str(Path(__file__).parents[2])])
    with opened("gepa", release, 60) as sandbox, pytest.raises(EvalError) as error:
        sandbox.start()
    assert json.dumps(str(error.value)).count("pip install 'persona-atlas[gepa]'") == 1
