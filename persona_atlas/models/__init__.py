"""Language models behind one small protocol: the embedded SmolLM2, any Llama or Qwen GGUF file, any lm-eval backend, and the scripted target.

    from persona_atlas.models import Sampling, load_model
    model = load_model("smol")
    for index, generation in model.generate(["Say hello."], Sampling(max_gen_toks=40)): ...

Importing this package loads no engine. `persona_atlas.models.cache` keeps answers, and `persona_atlas.models.registry` knows the names.
"""

from persona_atlas.models.protocol import FinishReason, Generation, LanguageModel, ModelError, Sampling
from persona_atlas.models.registry import load_model, model_names

__all__ = ["FinishReason", "Generation", "LanguageModel", "ModelError", "Sampling", "load_model", "model_names"]
