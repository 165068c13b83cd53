"""Asks the target of a submission again for a random share of the prompts, and compares the answers with those that were handed in.

Which prompts are asked comes from a seed that the submitter cannot know, since it is drawn when the submission is already there. Each arm gives its
share of distinct prompts, so that neither the optimizer's answers nor the controls' can be left out. If the target drifts, all of the optimizer's
prompts under clean are asked: the rank comes from their mean, and a lift of it shows only among many. The prompts of controls that count tokens are
computed again; verification, which has no target to count with, cannot do that. Nothing of the submission is imported, run or opened.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from eval_harness.recomputed import other_prompts
from eval_harness.runfolder import Sample
from leaderboard.band import band_of
from leaderboard.compared import OPTIMIZER, SAID, Pair, outside, paired
from leaderboard.errors import SubmissionError
from leaderboard.reproduction import Draw, Reproduction, different
from leaderboard.target import Given, TargetError, loaded
from leaderboard.verify import Verdict
from persona_atlas.data import Release
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling
from persona_atlas.randomness import generator
from persona_atlas.records import Item

LOST = 0.01
"""If the target's infrastructure lost more than this share of the prompts, there is no verdict on the run (MEASUREMENT 8)."""


def reproduce(
    verdict: Verdict, release: Release, items: Mapping[str, Item], draw: Draw, given: Given, progress: Callable[[int, int], None]
) -> Reproduction:
    """Ask the target again. `items`: those of the suite, by id.

    Raises SubmissionError if the submission is refused, TargetError or ModelError if the target cannot be asked.
    """
    found = verdict.found
    if found is None or not verdict.accepted:
        fault = next((f"{check.name}: {check.faults[0]}" for check in verdict.checks if check.faults), "")
        raise SubmissionError(f"it is refused, and not asked again ({fault}); see atlas-leaderboard verify {verdict.path}")
    name, model_args = given.named(found.config)
    model = loaded(found.config, given)
    band = band_of(model.fingerprint)
    chosen = choose(found.samples, draw, whole=found.claims.optimizer if band.drifts else None)
    asked = [sample for samples in chosen.values() for sample in samples]
    answers = _answered(model, asked, Sampling(max_gen_toks=found.config["max_gen_toks"]), progress)
    lost = len({sample.prompt for sample in asked} - set(answers))
    if lost > LOST * len({sample.prompt for sample in asked}):
        raise TargetError(f"the target {name} lost {lost} of the prompts, more than {LOST:.0%}; run the same command again")
    groups: dict[str, list[Pair]] = {OPTIMIZER: []}
    for sample in asked:
        if sample.prompt in answers:
            group = OPTIMIZER if sample.arm == found.claims.optimizer else sample.arm
            groups.setdefault(group, []).append(paired(sample, answers[sample.prompt], items[sample.item_id]))
    faults = (*islice(other_prompts(replace(found.claims, samples=asked), items, release, model.count_tokens), SAID), *outside(groups, band))
    return Reproduction(verdict.path, found, draw, model, model_args, band, groups, lost, faults)


def choose(samples: Sequence[Sample], draw: Draw, whole: str | None = None) -> dict[str, list[Sample]]:
    """Return, by arm, the samples whose prompts are asked: of the first samples of all distinct prompts, the shares that are drawn, in order.

    Of the arm `whole`, all prompts under clean are asked.
    """
    chosen: dict[str, list[Sample]] = {}
    for arm, found in different(samples).items():
        chosen[arm] = []
        for clean in (True, False):
            firsts = [sample for sample in found.values() if (sample.condition == "clean") == clean]
            size = len(firsts) if clean and arm == whole else draw.of(len(firsts), clean)
            places = generator(draw.seed, "reproduce", arm, clean).choice(len(firsts), size=size, replace=False)
            chosen[arm] += [firsts[place] for place in sorted(places.tolist())]
    return chosen


def _answered(
    model: LanguageModel, samples: Sequence[Sample], sampling: Sampling, progress: Callable[[int, int], None]
) -> dict[str | None, Generation]:
    """Return prompt -> its answer, each asked once, without those that the target's infrastructure lost. Raises ModelError."""
    prompts = list(dict.fromkeys(sample.prompt for sample in samples if sample.prompt is not None))
    found: dict[str | None, Generation] = {}
    progress(0, len(prompts))
    for number, (index, generation) in enumerate(model.generate(prompts, sampling), 1):
        if generation.finish_reason != "error":
            found[prompts[index]] = generation
        progress(number, len(prompts))
    return found
