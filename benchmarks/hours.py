"""What a spoken release costs in time: from tokens a conversation and tokens a second to hours for 10k, 100k and 1M conversations.

    python benchmarks/hours.py RELEASE --tokens_per_second 300              a speed that was measured (benchmarks/speaking.py)
    python benchmarks/hours.py RELEASE --parameters 7e9 --gpu h100          a bound that is computed: see `bound`

Without RELEASE a small one is made on the scripted target (simulated).

Tokens a conversation are counted on a release that a language model spoke: what was taken and, by its number of tries, what was not.
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
    """`bandwidth`: bytes a second of its memory; `flops`: dense bf16 operations a second; both as its maker gives them."""

    bandwidth: float
    flops: float


GPUS = {"h100": Gpu(3.35e12, 989e12), "a100": Gpu(2.04e12, 312e12)}


def tokens_of(release: Release) -> tuple[float, float]:
    """(tokens written, tokens read) a conversation, as the embedded model's tokenizer counts: every try of a turn counts as its words that stand."""
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
    """Tokens a second that no engine can pass: a step reads all weights (2 bytes each) once for the batch, a token takes 2 operations a weight.

    What is read (prompts) costs operations besides, which the share that is reckoned with has to cover.
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
