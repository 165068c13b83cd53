"""What no honest run shows, apart from tokens and lengths (lengths.py).

Each rule has a threshold, given beside what was found in 29,572 samples of three real targets: every control under every condition of the suite core
on smol-steerable, part of that on Qwen2.5-Coder-0.5B, and oracle and identity on SmolLM2-135M.

one answer to many      the same responsive answer to more than ONE_FOR_MANY of the items, or any answer to more than ONE_FOR_ANY of an arm's
                        distinct prompts. Found: 2 of 100 items; 29 of 100 prompts (refusals). A control other than identity and oracle may
                        get one refusal to ONE_REFUSAL of its prompts: Qwen2.5-Coder-0.5B refuses best_constant in one wording 55 times in
                        100. Who forges that lowers best_constant's task or what placebo does to users; only a reproduction tells
the oracle's answers    more than REPEATED of the optimizer's answers of at least LONG words are, word for word as they are seen, the oracle's to the
                        same item, although the prompts differ; in all conditions, or in clean alone, which the rank comes from. Found: none;
                        for a perfect reader of the history, 0.7 %; of placebo's answers, 2.7 % are identity's
lost in one place       more than MOST_FAILED of an arm's samples under one condition are missing. Or, under clean, for the optimizer or a control
                        that it is compared with, more than MOST_FAILED failed, or more than MOST_CUT were cut off or too long for the target.
                        Found: none
knows what was not said G where no history is shown, or over values that it does not reveal, has a lower bound above gate.WITHIN; a policy that
                        does not know a value scores 0 on it (MEASUREMENT 3, 4). Found: lower bounds of at most 0.00
blind, and not at 0     G of a control that does not know the user has an interval outside ±gate.WITHIN (MEASUREMENT 7). Found: none
attackers               G of an attacker or of answerer is above identity's by more than WIDER times the lower half-width of the difference's
                        interval; bank_reader's is above gate.MOST_READ of the way to the oracle's by as much; or opposite_user's has a lower bound
                        above 0. Found: none

The simulated target gives equal answers to equal instructions, however they are worded, so there the oracle's answers are no sign.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval_harness.claims import SIMULATED, Claims, named
from eval_harness.controls import ATTACKERS, BLIND
from eval_harness.gate import MOST_READ, WITHIN
from eval_harness.results import MOST_CUT, MOST_FAILED
from eval_harness.runfolder import ENDED, Sample
from eval_harness.suites import CORE
from leaderboard.placed import UNPLACED
from leaderboard.wordwise import words
from persona_atlas.records import Item
from persona_atlas.scoring import score

ONE_FOR_MANY = 0.04
ONE_FOR_ANY = 0.5
ONE_REFUSAL = 0.9
FEWEST = 4
"""The least number of items or prompts that must share an answer before their share is judged."""
REPEATED = 0.05
LONG = 15
FEW = 2
"""How many exceptions always pass where a share is judged."""
WIDER = 2.0
"""By chance a difference is more than this many half-widths of its 95 % interval in fewer than one of ten thousand runs."""


def by_arm(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Return arm -> its samples, in the order given."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.arm].append(sample)
    return found


def one_answer(claims: Claims, items: Mapping[str, Item]) -> Iterator[str]:
    """Yield a fault for each answer that an arm gives to too many prompts, or responsively to too many items. `items`: by item_id."""
    for arm, samples in by_arm(claims.samples).items():
        asked: dict[str, set[str]] = defaultdict(set)
        prompts: dict[str, set[str]] = defaultdict(set)
        for sample in samples:
            if sample.finish_reason in ENDED and sample.prompt is not None:
                asked[sample.answer].add(sample.item_id)
                prompts[sample.answer].add(sample.prompt)
        all_prompts, all_items = len(set().union(*prompts.values())), len({sample.item_id for sample in samples})
        for answer, mine in asked.items():
            shared = len(prompts[answer])
            if FEWEST <= shared > ONE_FOR_ANY * all_prompts:
                beside = arm not in (claims.optimizer, "identity", "oracle") and shared <= ONE_REFUSAL * all_prompts
                if not (beside and _responsive(answer, mine, items) == 0):
                    yield f"{arm} has one answer to {shared} of its {all_prompts} different prompts"
            elif FEWEST <= len(mine) > ONE_FOR_MANY * all_items and shared > FEW and _responsive(answer, mine, items) > ONE_FOR_MANY * all_items:
                yield f"{arm} has one answer to the questions of {len(mine)} of {all_items} items, and it counts as an answer to them"


def _responsive(answer: str, asked: set[str], items: Mapping[str, Item]) -> int:
    """Return how many of the items the answer is responsive to, or 0 if they are fewer than FEWEST."""
    found = [score(items[name], answer, "stop").g for name in asked]
    return int(sum(found)) if sum(found) >= FEWEST else 0


def oracles_answers(claims: Claims) -> Iterator[str]:
    """Yield at most one fault: too many of the optimizer's long answers are the oracle's. Raises KeyError if the oracle lacks one of the samples."""
    if claims.config["model"] == SIMULATED or claims.optimizer in UNPLACED:
        return
    oracle = {(sample.condition, sample.item_id): sample for sample in claims.samples if sample.arm == "oracle"}
    own = [sample for sample in claims.samples if sample.arm == claims.optimizer and len(sample.answer.split()) >= LONG]
    pairs = [(sample, oracle[sample.condition, sample.item_id]) for sample in own]
    asked = [(sample, other) for sample, other in pairs if sample.prompt != other.prompt]
    for part, where in (([pair for pair in asked if pair[0].condition == "clean"], " under clean"), (asked, "")):
        same = [sample for sample, other in part if words(sample.answer) == words(other.answer)]
        if len(same) > max(FEW, REPEATED * len(part)):
            what = f"{len(same)} of {len(part)} answers{where} are the oracle's word for word"
            yield f"{what}, although it was asked otherwise, the first {named(same[0].key)}"
            return


def lost_in_one_place(claims: Claims) -> Iterator[str]:
    """Yield a fault where samples are missing, failed or cut off in one place: few of a whole run can be most of what its rank comes from."""
    asked = Counter((sample.arm, sample.condition) for sample in claims.samples)
    compared = {claims.optimizer, *CORE.arms}
    for reason, most, what in (
        ("error", MOST_FAILED, "are missing"),
        ("no_prompt", MOST_FAILED, "have no prompt"),
        ("length", MOST_CUT, "were cut off"),
        ("context_overflow", MOST_CUT, "were too long for the target"),
    ):
        found = Counter((sample.arm, sample.condition) for sample in claims.samples if sample.finish_reason == reason)
        for (arm, condition), number in found.items():
            counts = reason == "error" or (condition == "clean" and arm in compared)
            if counts and number > max(FEW, most * asked[arm, condition]):
                yield f"{number} of {asked[arm, condition]} samples of {arm} under {condition} {what}"


def unsaid(claims: Claims, results: Mapping[str, Any]) -> Iterator[str]:
    """Yield a fault if the optimizer shows values that nothing let it know. Controls without a place may."""
    if claims.optimizer in UNPLACED:
        return
    own = results["arms"][claims.optimizer]
    for condition, axis, what in (
        ("history_0", "personalization", "where no history is shown"),
        ("clean", "personalization_unrevealed", "of values that the history does not reveal"),
    ):
        if condition in own and (low := _end(own[condition][axis], 0)) is not None and low > WITHIN:
            yield f"G {what} is at least {low:.2f}, and who does not know the user is at 0 (up to {WITHIN:.2f} is let pass)"


def not_at_zero(claims: Claims, results: Mapping[str, Any]) -> Iterator[str]:
    """Yield a fault if a control is where no honest target puts it: blind ones are at 0, no attacker is above identity (MEASUREMENT 7)."""
    for arm in claims.plan.arms:
        found = results["arms"][arm]["clean"]["personalization"]
        low, high = _end(found, 0), _end(found, 1)
        if low is None or high is None:
            continue
        said = f"G of {arm} is {found['mean']:+.2f} [{low:+.2f}, {high:+.2f}]"
        if arm in BLIND and (low > WITHIN or high < -WITHIN):
            yield f"{said}, and it does not know the user: wanted 0, within {WITHIN:.2f}"
        elif arm == "opposite_user" and low > 0:
            yield f"{said}, and it asks for other values than the user's: wanted less than 0"
        elif arm in (*ATTACKERS, "answerer", "bank_reader") and _above_identity(arm, results):
            yield f"{said}, too far above identity's: it is {'a recognizer of known phrasings' if arm == 'bank_reader' else 'no policy for a user'}"


def _above_identity(arm: str, results: Mapping[str, Any]) -> bool:
    difference = results["differences"][arm]["clean"]["personalization"]
    low, mean = _end(difference, 0), difference["mean"]
    if low is None:
        return False
    headroom, most = results["differences"].get("oracle", {}).get("clean", {}).get("personalization", {}).get("mean"), 0.0
    if arm == "bank_reader" and headroom is not None:
        most = max(MOST_READ * headroom, 0.0)
    return bool(mean - most > WIDER * (mean - low))


def _end(interval: Mapping[str, Any], end: int) -> float | None:
    return None if interval["ci"] is None else float(interval["ci"][end])
