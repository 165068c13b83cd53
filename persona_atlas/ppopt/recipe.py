"""A recipe says how a target is trained: how many examples of each kind, the adapter's size, the optimizer's settings.

The recipes that ship are `configs/smoke.yaml` (seconds, for tests), `cpu.yaml` (about an hour on two cores) and `gpu.yaml`.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, get_type_hints

from persona_atlas.content import need, read_yaml


@dataclass(frozen=True)
class Recipe:
    """Examples: `told` (values told in instruction wordings or in a user's words), `plain` (nothing told), `question` (everyday
    questions about other subjects), `history` (told in earlier conversations),
    `sampled` (prompts put to a stronger model; what passes checkers and verifier is kept). `max_tokens` of prompt and answer together; longer
    examples are left out. `batch` examples a step. `rank`, `alpha`: of the LoRA adapter. `save_steps`: steps between two checkpoints.
    `stop`: the step after which the run ends, 0 for the end of its epoch; the learning rate's course is that of the whole epoch.
    """

    told: int
    plain: int
    question: int
    history: int
    sampled: int
    history_characters: int
    max_tokens: int
    batch: int
    rank: int
    alpha: int
    learning_rate: float
    warmup: float
    save_steps: int
    stop: int
    log_steps: int
    precision: str


def recipe_names() -> list[str]:
    return sorted(
        path.name.removesuffix(".yaml") for path in files("persona_atlas.ppopt").joinpath("configs").iterdir() if path.name.endswith(".yaml")
    )


def load_recipe(name: str) -> Recipe:
    """The recipe `configs/NAME.yaml`. Raises CatalogError where a key is missing, unknown or of another type."""
    path = files("persona_atlas.ppopt").joinpath("configs").joinpath(f"{name}.yaml")
    data: dict[str, Any] = read_yaml(path)
    need(data, get_type_hints(Recipe), path.name)
    return Recipe(**data)
