"""PersonaAtlas as a task of lm-eval, run by lm-eval: the oracle's prompts on the scripted target score 1, the bare query 0."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lm_eval.api.model import LM

from eval_harness.cli import main
from eval_harness.lmeval_task.functions import mean_over_users, scores, with_oracle
from persona_atlas.data import load_dataset
from persona_atlas.models import load_model
from persona_atlas.models.protocol import Sampling

USERS = 12


class Scripted(LM):
    """The scripted target, spoken to as lm-eval speaks to a model."""

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        found = load_model("scripted").generate([request.args[0] for request in requests], Sampling(320))
        return [generation.text for _, generation in sorted(found, key=lambda pair: pair[0])]

    def loglikelihood(self, requests: list[Any]) -> Any:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Any]) -> Any:
        raise NotImplementedError


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, float]]:
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.tasks import TaskManager

    path = CliRunner().invoke(main, ["task-path"]).stdout.strip()
    manager = TaskManager(include_path=path, include_defaults=False, metadata={"users": USERS})
    found = simple_evaluate(Scripted(), tasks=["persona_atlas"], task_manager=manager, metadata={"users": USERS}, bootstrap_iters=0)
    return dict(found["results"])


def test_lm_eval_scores_the_oracle_at_the_ceiling(results: dict[str, dict[str, float]]) -> None:
    assert results["persona_atlas_oracle"]["personalization,none"] == 1.0
    assert results["persona_atlas_oracle"]["task,none"] == 1.0


def test_lm_eval_scores_the_bare_query_far_below(results: dict[str, dict[str, float]]) -> None:
    assert abs(results["persona_atlas_query"]["personalization,none"]) < 0.3
    assert results["persona_atlas_query"]["task,none"] == 1.0


def test_the_witness_of_every_document_scores_one() -> None:
    witnesses = {item.item_id: item.witness for item in load_dataset("persona-atlas").items("test")}
    for document in with_oracle(users=5)["test"]:
        item_id = document["item"].split('"item_id":"')[1].split('"')[0]
        found = scores(document, [witnesses[item_id]])
        assert {value for _, value in found.values()} == {1.0}


def test_users_weigh_alike_whatever_the_number_of_their_items() -> None:
    assert mean_over_users([("a", 1.0), ("a", 1.0), ("a", 1.0), ("b", 0.0)]) == 0.5


def test_the_command_prints_a_folder_that_holds_the_task() -> None:
    path = CliRunner().invoke(main, ["task-path"]).stdout.strip()
    assert (Path(path) / "group.yaml").is_file()
