"""A recipe says how something is trained: on what, the adapter's size, the optimizer's settings.

    load_recipe("sft", "cpu")      configs/sft/cpu.yaml, an SftRecipe

`configs/` has one folder per stage: `target` (the small target that listens), and PPOpt's `sft` and `grpo`. In each, `smoke` takes seconds and trains
nothing worth having, `cpu` takes an hour or more on two cores, and `gpu` (for PPOpt also `gpu-8b`) needs one GPU. A recipe may say `like: NAME`, and
then only what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from typing import Any, TypeVar, get_type_hints

from persona_atlas.content import CatalogError, need, read_yaml
from persona_atlas.models.protocol import unknown_name
from persona_atlas.ppopt.base import CHATS, FORMS, PRECISIONS, native_precision
from persona_atlas.ppopt.rewards import AGGREGATIONS, REWARDS


@dataclass(frozen=True)
class Tuning:
    """The settings of supervised fine-tuning.

    `max_tokens`: of an example; longer ones are left out. `batch`: examples per step. `rank`, `alpha`: of the LoRA adapter. `save_steps`: steps
    between two checkpoints. `stop`: the step after which the run ends, 0 for the end of its epoch; the learning rate follows the schedule of the
    whole epoch in either case. `precision`: `bf16`, `f32`, or `auto` (see `suited`).

    Two settings fit a large base into memory. `gradient_accumulation_steps`: in how many parts the examples of a step are processed, one after the
    other. `gradient_checkpointing`: whether activations are computed again rather than kept.

    Raises CatalogError for an unknown `precision`.
    """

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
    gradient_accumulation_steps: int
    gradient_checkpointing: bool

    def __post_init__(self) -> None:
        _one_of(PRECISIONS, self.precision, "precision")


@dataclass(frozen=True)
class TargetRecipe(Tuning):
    """How many examples of each kind the target is trained on.

    `told`: values told in instruction wordings or in a user's words. `plain`: nothing told. `question`: everyday questions about other subjects.
    `history`: values told in earlier conversations, of at most `history_characters` characters. `sampled`: prompts put to a stronger model, of whose
    answers those that pass checkers and verifier are kept.
    """

    told: int
    plain: int
    question: int
    history: int
    sampled: int
    history_characters: int


@dataclass(frozen=True)
class SftRecipe(Tuning):
    """The recipe of PPOpt's supervised fine-tuning. Raises CatalogError for an unknown `reads`, and for `chats` without `profile`.

    `base`: `smollm2` (the embedded model), `random` (two layers, for tests), a GGUF file, a model folder, or a Hugging Face model. `reads`: the form
    in which the policy is asked (base.Settings). `profile`: whether it writes a profile, or the prompt alone. `drills`, `cases`: how many; a train
    item may make several cases. `noise`, `twins`, `anew`, `shorter`: see `cases.Mix`.

    In the form `chats`, drills and cases read a chat; `writes` is how many more drills write a prompt, and `questions` the share of cases that do.
    """

    base: str
    reads: str
    drills: int
    writes: int
    cases: int
    questions: float
    noise: float
    twins: float
    anew: float
    shorter: float
    history_tokens: int
    profile: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reads not in FORMS or (self.reads == CHATS and not self.profile):
            raise CatalogError(f"reads: {self.reads!r} with profile: {self.profile}; give one of {', '.join(FORMS)}, and chats with a profile alone")


@dataclass(frozen=True)
class GrpoRecipe:
    """The recipe of GRPO, which starts from what `sft` wrote.

    A step is `groups` cases with `rollouts` replies each, of at most `new_tokens` tokens at `temperature`. `clip`, `kl`: GRPO's. `rewards`: name ->
    weight (rewards.py). `aggregation`: `normalize_then_sum` or `sum_then_normalize`. `floor`: the least spread in its group that a reward is divided
    by. `answer_tokens`: the most tokens of the target's answer. `noise`, `twins`, `anew`, `shorter`, and `history_tokens` as the budget: see
    `cases.Mix`. The last three are those of Tuning; the replies of a group are always rewarded together. Raises CatalogError for an unknown reward,
    `aggregation` or `precision`.
    """

    steps: int
    groups: int
    rollouts: int
    new_tokens: int
    temperature: float
    learning_rate: float
    warmup: float
    clip: float
    kl: float
    rewards: Mapping[str, float]
    aggregation: str
    floor: float
    answer_tokens: int
    noise: float
    twins: float
    anew: float
    shorter: float
    history_tokens: int
    save_steps: int
    log_steps: int
    precision: str
    gradient_accumulation_steps: int
    gradient_checkpointing: bool

    def __post_init__(self) -> None:
        for name in self.rewards:
            _one_of(REWARDS, name, "rewards")
        _one_of(AGGREGATIONS, self.aggregation, "aggregation")
        _one_of(PRECISIONS, self.precision, "precision")


def _one_of(known: Sequence[str], found: str, key: str) -> None:
    if found not in known:
        raise CatalogError(f"{key}: {found!r}; give one of {', '.join(known)}")


STAGES: Mapping[str, type] = {"target": TargetRecipe, "sft": SftRecipe, "grpo": GrpoRecipe}


def recipe_names(stage: str) -> list[str]:
    folder = files("persona_atlas.ppopt").joinpath("configs").joinpath(stage)
    return sorted(path.name.removesuffix(".yaml") for path in folder.iterdir() if path.name.endswith(".yaml"))


def load_recipe(stage: str, name: str) -> Any:
    """Load the recipe `configs/STAGE/NAME.yaml`.

    Raises ModelError for an unknown name, and CatalogError where a key is missing, unknown or of the wrong type.
    """
    if name not in recipe_names(stage):
        raise unknown_name("config", name, recipe_names(stage))
    kind, data = STAGES[stage], _read(stage, name)
    hints = get_type_hints(kind)
    need(data, {field.name: dict if field.name == "rewards" else hints[field.name] for field in fields(kind)}, f"{stage}/{name}.yaml")
    return kind(**data)


Recipe = TypeVar("Recipe", TargetRecipe, SftRecipe, GrpoRecipe)


def suited(recipe: Recipe) -> Recipe:
    """Return the recipe with the precision that this machine computes in (`base.native_precision`). Raises ModelError without the extra `train`."""
    return replace(recipe, precision=native_precision(recipe.precision))


def _read(stage: str, name: str) -> dict[str, Any]:
    data = dict(read_yaml(files("persona_atlas.ppopt").joinpath("configs").joinpath(stage).joinpath(f"{name}.yaml")))
    like = data.pop("like", None)
    if like is None:
        return data
    if like == name or like not in recipe_names(stage):
        raise CatalogError(f"{stage}/{name}.yaml: there is no recipe {like!r} to be like; there are {', '.join(recipe_names(stage))}")
    return {**_read(stage, like), **data}
