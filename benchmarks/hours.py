"""How many hours a spoken release takes, for 10k, 100k and 1M conversations, from tokens per conversation and tokens per second.

    python benchmarks/hours.py RELEASE --tokens_per_second 300              a measured speed (benchmarks/speaking.py)
    python benchmarks/hours.py RELEASE --parameters 7e9 --gpu h100          a computed bound: see `bound`

Without RELEASE, a small one is made on the scripted (simulated) target.

Tokens per conversation are counted on a release that a language model spoke. It does not hold the words of failed tries, so these are counted as
if each had been as long as the words that the turn has.
"""

from dataclasses import dataclass
from pathlib import Path

import click
from _spoken import spoken_release

from generation.spoken.acceptance import utterances
from persona_atlas.data import Release
from persona_atlas.models.smol import load_smol
from persona_atlas.records import SPLITS

SIZES = (10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Gpu:
    """What a GPU's maker states: `bandwidth` in bytes per second of its memory, `flops` in dense bf16 operations per second."""

    bandwidth: float
    flops: float


GPUS = {"h100": Gpu(3.35e12, 989e12), "a100": Gpu(2.04e12, 312e12)}


def tokens_of(release: Release) -> tuple[float, float]:
    """Return (tokens written, tokens read) per conversation, by the embedded model's tokenizer. Every try counts as the turn's final words."""
    model = load_smol()
    tries = {(row.conversation_id, row.turn): row.tries for row in utterances(release)}
    written = read = total = 0
    for split in SPLITS:
        for conversation in [*release.conversations(split), *release.history_noise(split)]:
            before, total = 0, total + 1
            for number, turn in enumerate(conversation.turns):
                tokens = model.count_tokens(turn.content)
                count = tries[conversation.conversation_id, number]
                written += count * tokens
                read += count * (tokens if turn.role == "user" else before)
                before += tokens
    return written / total, read / total


def bound(gpu: Gpu, parameters: float, at_once: int) -> float:
    """Return the tokens per second that no engine can exceed.

    A step reads all weights (2 bytes each) once for the batch, and a token takes 2 operations per weight. Reading prompts costs further operations;
    `--share` has to cover these.
    """
    return min(at_once * gpu.bandwidth / (2 * parameters), gpu.flops / (2 * parameters))


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--tokens_per_second", type=float, help="What was measured.")
@click.option("--parameters", default=14e9, show_default=True, help="Of a model whose bound is computed where nothing was measured.")
@click.option("--gpu", type=click.Choice(list(GPUS)), default="h100", show_default=True)
@click.option("--at_once", default=512, show_default=True, help="Sequences in the batch.")
@click.option("--share", default=0.3, show_default=True, help="Of the bound, what is reckoned with.")
def main(directory: Path | None, tokens_per_second: float | None, parameters: float, gpu: str, at_once: int, share: float) -> None:
    with spoken_release(directory) as release:
        written, read = tokens_of(release)
    print(f"{written:.0f} tokens written and {read:.0f} read a conversation")
    speed = tokens_per_second or share * bound(GPUS[gpu], parameters, at_once)
    print(f"{speed:,.0f} tokens a second ({'measured' if tokens_per_second else f'computed: {share:.0%} of the bound of {gpu}'})")
    for size in SIZES:
        print(f"{size:>9,} conversations: {size * written / speed / 3600:,.1f} hours")


if __name__ == "__main__":
    main()
