"""SmolLM2-135M-Instruct with an adapter, shipped here, that makes it follow wishes about style. Its scores are no real model's: see its card."""

from importlib.resources import files
from pathlib import Path

from persona_atlas.models.adapter import merged
from persona_atlas.models.openvino import EngineSettings, OpenVINOModel
from persona_atlas.models.smol import smol_weights

FREQUENCY_PENALTY = 0.3
"""So small a model falls into loops when it decodes greedily: without this, one answer in six went on until it was cut off."""


def adapter_path() -> Path:
    """The adapter, beside its card and curves."""
    return Path(str(files("persona_atlas.models"))) / "steerable" / "adapter.safetensors"


def load_steerable(settings: EngineSettings | None = None, adapter: Path | None = None) -> OpenVINOModel:
    """The merged model on OpenVINO, named "smol-steerable". The first call merges the weights (seconds) and keeps the file. Raises `ModelError`.

    `adapter` is a file that `atlas-train target` wrote, to be used instead of the adapter that ships.
    """
    settings = settings or EngineSettings(frequency_penalty=FREQUENCY_PENALTY)
    return OpenVINOModel(merged(smol_weights(), adapter or adapter_path()), name="smol-steerable", settings=settings)
