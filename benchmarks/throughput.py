"""Tokens per second of the raw engine and through the harness, on the same prompts.

    python benchmarks/throughput.py                               the embedded model
    python benchmarks/throughput.py --pretrained FILE.gguf

Both are run five times, taking turns at going first. Machines are noisy, so compare the ratio of the medians. Raw is OpenVINO GenAI's own
`LLMPipeline.generate` on the whole list. The harness is `CachedModel` over our engine with an empty cache; it also counts, stores and yields each
answer.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import click

from persona_atlas.data import load_dataset
from persona_atlas.models import Sampling, load_model
from persona_atlas.models.cache import CachedModel, ResponseCache
from persona_atlas.models.smol import smol_weights


def raw(path: Path, prompts: list[str], new_tokens: int) -> float:
    """Return the tokens per second of the bare pipeline, given all prompts at once."""
    import openvino_genai as ov

    scheduler = ov.SchedulerConfig()
    scheduler.cache_size, scheduler.max_num_seqs, scheduler.enable_prefix_caching = 2, 64, True
    pipeline = ov.LLMPipeline(str(path), "CPU", scheduler_config=scheduler)
    tokenizer = pipeline.get_tokenizer()
    started = time.monotonic()
    texts = pipeline.generate(prompts, ov.GenerationConfig(max_new_tokens=new_tokens)).texts
    seconds = time.monotonic() - started
    return sum(tokenizer.encode(text, add_special_tokens=False).input_ids.shape[1] for text in texts) / seconds


def harness(path: Path, prompts: list[str], new_tokens: int) -> float:
    """Return the tokens per second through the cached model, with an empty cache. Tokens are counted in the same way."""
    model = load_model("openvino", {"pretrained": str(path)})
    with tempfile.TemporaryDirectory() as folder:
        cached = CachedModel(model, ResponseCache(Path(folder) / "answers.sqlite"))
        started = time.monotonic()
        texts = [generation.text for _, generation in cached.generate(prompts, Sampling(max_gen_toks=new_tokens))]
        seconds = time.monotonic() - started
    return sum(model.count_tokens(text) for text in texts) / seconds


@click.command()
@click.option("--pretrained", type=click.Path(path_type=Path, exists=True), default=None, help="A GGUF file.  [default: the embedded model]")
@click.option("--prompts", "count", default=128, show_default=True)
@click.option("--max_gen_toks", default=128, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(pretrained: Path | None, count: int, max_gen_toks: int, rounds: int) -> None:
    path = pretrained or smol_weights()
    items = load_dataset("persona-atlas").items("train") + load_dataset("persona-atlas").items("test")
    prompts = [f"{item.query} ({i})" for i in range(-(-count // len(items))) for item in items][:count]
    sides = [raw, harness]
    found: dict[str, list[float]] = {"raw": [], "harness": []}
    for number in range(rounds):
        for side in sides if number % 2 == 0 else sides[::-1]:
            found[side.__name__].append(side(path, prompts, max_gen_toks))
        print(f"{path.name}: raw engine {found['raw'][-1]:.0f} tokens/s, through the harness {found['harness'][-1]:.0f}", flush=True)
    bare, ours = median(found["raw"]), median(found["harness"])
    print(f"{path.name}: medians {bare:.0f} and {ours:.0f}, ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
