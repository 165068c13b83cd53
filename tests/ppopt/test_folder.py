"""The folder of a training: what is in it says whether a training may begin or go on there."""

from pathlib import Path

import pytest

from persona_atlas.models.protocol import ModelError
from persona_atlas.ppopt.folder import open_training


@pytest.mark.parametrize("content", ['{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}', "[1]", "{not JSON"])
def test_a_config_of_something_else_is_no_training(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="is not empty and holds no training; give a new folder with --output_path"):
        open_training(tmp_path, {"config": "smoke"})


def test_an_unfinished_training_goes_on(tmp_path: Path) -> None:
    open_training(tmp_path / "out", {"config": "smoke", "seed": 0})
    open_training(tmp_path / "out", {"config": "smoke", "seed": 0})
    with pytest.raises(ModelError, match="holds an unfinished training with another seed"):
        open_training(tmp_path / "out", {"config": "smoke", "seed": 1})
