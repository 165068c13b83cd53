"""Estimates what a run will cost, before the target is asked."""

from collections import Counter
from collections.abc import Mapping

from eval_harness.runfolder import Key, PromptRecord
from persona_atlas.models.cache import CachedModel
from persona_atlas.models.protocol import Sampling

TYPICAL = {"smol": 600.0, "smol-steerable": 600.0}
"""Target -> new tokens per second on two cores, in full batches (see benchmarks/): precise enough to tell minutes from hours."""
SAMPLED = 200
MOST_NOTES = 3


def noted(prompts: Mapping[Key, PromptRecord]) -> list[str]:
    """A sentence with the optimizer's most frequent notes, each up to its first colon, and their counts; empty if there are no notes."""
    found = Counter(record.notes.split(":")[0].strip()[:80] for record in prompts.values() if record.notes)
    if not found:
        return []
    listed = ", ".join(f"{count:,} times {note!r}" for note, count in found.most_common(MOST_NOTES))
    return [f"The optimizer's notes (in prompts.jsonl): {listed}{' and others' if len(found) > MOST_NOTES else ''}."]


def estimate(prompts: Mapping[Key, PromptRecord], cached: CachedModel, model_name: str, sampling: Sampling) -> list[str]:
    """Sentences on the answers wanted, known and to be generated, the tokens, and the time if the target's speed is known."""
    texts = [record.prompt for record in prompts.values() if record.prompt is not None]
    unknown = cached.unknown(texts, sampling)
    if not unknown:
        return [f"{len(texts):,} answers, all known from the cache: nothing to generate."]
    some = unknown[:: max(1, len(unknown) // SAMPLED)]
    reading = round(sum(cached.count_tokens(text) for text in some) * len(unknown) / len(some))
    writing = len(unknown) * sampling.max_gen_toks
    speed = TYPICAL.get(model_name)
    time = (
        f"; about {writing / speed / 60:.0f} to {max(1, round((writing / speed + reading / speed / 5) / 60 + 0.5))} minutes on two cores"
        if speed
        else ""
    )
    return [
        f"{len(texts):,} answers: {len(texts) - len(unknown):,} known or equal to another, {len(unknown):,} to generate, "
        f"reading about {reading:,} tokens and writing at most {writing:,}{time}."
    ]
