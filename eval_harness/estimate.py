"""Estimates what a run will cost, before the target is asked."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from eval_harness.runfolder import Key, PromptRecord
from eval_harness.runner import Evaluation
from persona_atlas.models.cache import CachedModel

TYPICAL = {"smol": 600.0, "smol-steerable": 600.0}
"""Target -> new tokens per second on two cores with AVX-512, in full batches (see benchmarks/): precise enough to tell minutes from hours."""
SAMPLED = 200
MOST_NOTES = 3


def noted(prompts: Mapping[Key, PromptRecord]) -> list[str]:
    """A sentence with the optimizer's most frequent notes, each up to its first colon, and their counts; empty if there are no notes."""
    found = Counter(record.notes.split(":")[0].strip()[:80] for record in prompts.values() if record.notes)
    if not found:
        return []
    listed = ", ".join(f"{count:,} times {note!r}" for note, count in found.most_common(MOST_NOTES))
    return [f"The optimizer's notes (in prompts.jsonl): {listed}{' and others' if len(found) > MOST_NOTES else ''}."]


def estimate(prompts: Mapping[Key, PromptRecord], evaluation: Evaluation, model_name: str, finished: Collection[Key]) -> list[str]:
    """Sentences on the answers wanted (repeats included), known and to be generated, the tokens, and the time if the target's speed is known.

    `finished`: the keys of the samples and repeats that the run folder holds already, whose answers are not asked for again.
    """
    again = [prompts[key] for key in evaluation.repeated()]
    repeats = [(model, [replace(record, condition=f"repeat_{number}") for record in again]) for number, model in enumerate(evaluation.again, 1)]
    wanted = 0
    unknown: list[str] = []
    for model, records in [(evaluation.model, list(prompts.values())), *repeats]:
        assert isinstance(model, CachedModel), "prepare() makes no others"
        texts = {record.key: record.prompt for record in records if record.prompt is not None}
        wanted += len(texts)
        unknown += model.unknown([text for key, text in texts.items() if key not in finished], evaluation.sampling)
    if not unknown:
        return [f"{wanted:,} answers, all finished or known from the cache: nothing to generate."]
    some = unknown[:: max(1, len(unknown) // SAMPLED)]
    reading = round(sum(evaluation.model.count_tokens(text) for text in some) * len(unknown) / len(some))
    writing = len(unknown) * evaluation.sampling.max_gen_toks
    speed = TYPICAL.get(model_name)
    time = ""
    if speed:
        least, most = writing / speed / 60, max(1, round((writing / speed + reading / speed / 5) / 60 + 0.5))
        time = f"; about {least:.0f} to {most} minutes on two cores with AVX-512, and some three times as long without"
    return [
        f"{wanted:,} answers: {wanted - len(unknown):,} known or equal to another, {len(unknown):,} to generate, "
        f"reading about {reading:,} tokens and writing at most {writing:,}{time}."
    ]
