"""What no honest run shows. Each rule has a threshold, and beside it what was found in 29,572 samples of three real targets: every control under
every condition of the suite core on smol-steerable, part of that on Qwen2.5-Coder-0.5B, oracle and identity on SmolLM2-135M.

one answer to many      the same responsive answer to more than ONE_FOR_MANY of the items, or any answer to more than ONE_FOR_ANY of an arm's
                        different prompts. Found: 2 of 100 items; 29 of 100 prompts (refusals)
the oracle's answers    more than REPEATED of the optimizer's answers of at least LONG words are the oracle's to the same item, word for word as
                        they are seen, although it was asked otherwise. Found: none; of a perfect reader of the history 0.7 %; of placebo,
                        identity's, 2.7 %. The same is asked of the answers under clean alone, from which the rank comes
lost in one place       of an arm under a condition more than MOST_FAILED of the samples are missing, or of the optimizer's, or of a control's that
                        it is held against, more than MOST_FAILED failed or MOST_CUT were cut off under clean. Found: none
ended at the limit      more than AT_LIMIT of an arm's answers end by themselves on the very token at which they would be cut off, or are cut off
                        well before it. Found: none
counts of tokens        an answer that stands there twice has one count, an arm's texts have one to ten characters a token, and so has what its
                        prompts have more than identity's. Found: always; 2.0 to 3.9
knows what was not said G where no history is shown, or of values that it does not reveal, has a lower bound above gate.WITHIN: who does not know
                        a value scores 0 on it (MEASUREMENT 3, 4). Found: lower bounds of at most 0.00
blind, and not at 0     G of a control that does not know the user has an interval outside ±gate.WITHIN (MEASUREMENT 7). Found: none

The simulated target gives equal answers to equal orders, however they are worded: the oracle's answers are no sign there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval_harness.claims import SIMULATED, Claims, named
from eval_harness.controls import BLIND, CONTROLS
from eval_harness.gate import WITHIN
from eval_harness.results import MOST_CUT, MOST_FAILED
from eval_harness.runfolder import ENDED, Sample
from eval_harness.suites import CORE
from leaderboard.wordwise import words
from persona_atlas.records import Item
from persona_atlas.scoring import score

ONE_FOR_MANY = 0.04
ONE_FOR_ANY = 0.5
FEWEST = 4
"""So many items or prompts must share an answer before a share is looked at."""
REPEATED = 0.05
LONG = 15
AT_LIMIT = 0.005
FEW = 2
"""So many exceptions are always let pass where a share is looked at."""
MARKS = 8
"""So many tokens of an answer (the end of a turn, what a backend does not count) may be missing from its count."""
TEMPLATE = 200
"""So many tokens a chat template may add to a prompt."""
CHARACTERS = (1.0, 10.0)


def _by_arm(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.arm].append(sample)
    return found


def one_answer(claims: Claims, items: Mapping[str, Item]) -> Iterator[str]:
    for arm, samples in _by_arm(claims.samples).items():
        asked: dict[str, set[str]] = defaultdict(set)
        prompts: dict[str, set[str]] = defaultdict(set)
        for sample in samples:
            if sample.finish_reason in ENDED and sample.prompt is not None:
                asked[sample.answer].add(sample.item_id)
                prompts[sample.answer].add(sample.prompt)
        all_prompts, all_items = len(set().union(*prompts.values())), len({sample.item_id for sample in samples})
        for answer, mine in asked.items():
            if FEWEST <= len(prompts[answer]) > ONE_FOR_ANY * all_prompts:
                yield f"{arm} has one answer to {len(prompts[answer])} of its {all_prompts} different prompts"
            elif (
                FEWEST <= len(mine) > ONE_FOR_MANY * all_items
                and len(prompts[answer]) > FEW
                and _responsive(answer, mine, items) > ONE_FOR_MANY * all_items
            ):
                yield f"{arm} has one answer to the questions of {len(mine)} of {all_items} items, and it counts as an answer to them"


def _responsive(answer: str, asked: set[str], items: Mapping[str, Item]) -> int:
    """How many of the items the answer responds to."""
    found = [score(items[name], answer, "stop").g for name in asked]
    return int(sum(found)) if sum(found) >= FEWEST else 0


def oracles_answers(claims: Claims) -> Iterator[str]:
    if claims.config["model"] == SIMULATED or claims.optimizer in CONTROLS:
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
    """Whether samples are missing, failed or cut off where it counts: few of a run can be most of what its rank comes from."""
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


def ended_at_the_limit(claims: Claims) -> Iterator[str]:
    limit = claims.config["max_gen_toks"]
    for arm, samples in _by_arm(claims.samples).items():
        at_limit = [sample for sample in samples if sample.finish_reason == "stop" and (sample.answer_tokens or 0) >= limit]
        if len(at_limit) > max(FEW, AT_LIMIT * len(samples)):
            yield f"{len(at_limit)} of {len(samples)} answers of {arm} have all of the {limit} tokens allowed, and are said to end by themselves"
        short = [s for s in samples if s.finish_reason == "length" and s.answer_tokens is not None and s.answer_tokens < limit - MARKS]
        if len(short) > FEW:
            yield f"{len(short)} of {len(samples)} answers of {arm} are said to be cut off, with fewer than the {limit} tokens allowed"


def counts_of_tokens(claims: Claims) -> Iterator[str]:
    first: dict[tuple[str, str], Sample] = {}
    differing = []
    for sample in claims.samples:
        if sample.finish_reason in ENDED and sample.answer:
            other = first.setdefault((sample.answer, sample.finish_reason), sample)
            if other.answer_tokens != sample.answer_tokens:
                differing.append((sample, other))
    if len(differing) > FEW:
        sample, other = differing[0]
        where = f"the first {named(sample.key)} and {named(other.key)}"
        yield f"{len(differing)} answers have another count of tokens than the same answer elsewhere, {where}"
    for arm, samples in _by_arm(claims.samples).items():
        for what, texts in (
            ("answers", [(s.answer, s.answer_tokens) for s in samples if s.finish_reason in ENDED]),
            ("prompts", [(s.prompt or "", s.prompt_tokens) for s in samples]),
        ):
            yield from _density(arm, what, [(text, tokens) for text, tokens in texts if text and tokens is not None])
    yield from _added(claims)


def _added(claims: Claims) -> Iterator[str]:
    """Whether what prompts have more than identity's has tokens enough: the template's tokens are in both."""
    bare = {(s.condition, s.item_id): s for s in claims.samples if s.arm == "identity" and s.prompt and s.prompt_tokens}
    more: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for sample in claims.samples:
        other = bare.get((sample.condition, sample.item_id))
        if other is not None and sample.prompt and sample.prompt_tokens and len(sample.prompt) > len(other.prompt or ""):
            more[sample.arm].append((len(sample.prompt) - len(other.prompt or ""), sample.prompt_tokens - (other.prompt_tokens or 0)))
    for arm, pairs in more.items():
        characters, tokens = (sum(column) for column in zip(*pairs, strict=True))
        if len(pairs) > FEW and characters > CHARACTERS[1] * max(tokens, 0):
            yield f"the prompts of {arm} have {characters:,} characters more than identity's in {tokens:,} tokens more"


def _density(arm: str, what: str, texts: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Whether texts have a plausible number of characters a token, but for the tokens that marks and templates add."""
    characters, tokens = sum(len(text) for text, _ in texts), sum(tokens for _, tokens in texts)
    low, high = CHARACTERS
    added = (MARKS if what == "answers" else TEMPLATE) * len(texts)
    if characters > high * tokens or (len(texts) > FEW and characters + len(texts) < low * (tokens - added)):
        yield f"the {what} of {arm} have {characters:,} characters in {tokens:,} tokens, wanted {low:g} to {high:g} a token"


def unsaid(claims: Claims, results: Mapping[str, Any]) -> Iterator[str]:
    """Whether the optimizer shows values that nothing let it know. Controls may: some are told, and their prompts are computed again."""
    if claims.optimizer in CONTROLS:
        return
    own = results["arms"][claims.optimizer]
    for condition, axis, what in (
        ("history_0", "personalization", "where no history is shown"),
        ("clean", "personalization_unrevealed", "of values that the history does not reveal"),
    ):
        if condition in own and (low := _end(own[condition][axis], 0)) is not None and low > WITHIN:
            yield f"G {what} is at least {low:.2f}, and who does not know the user is at 0 (up to {WITHIN:.2f} is let pass)"


def not_at_zero(claims: Claims, results: Mapping[str, Any]) -> Iterator[str]:
    for arm in claims.plan.arms:
        if arm in BLIND:
            found = results["arms"][arm]["clean"]["personalization"]
            low, high = _end(found, 0), _end(found, 1)
            if low is not None and high is not None and (low > WITHIN or high < -WITHIN):
                yield f"G of {arm} is {found['mean']:+.2f} [{low:+.2f}, {high:+.2f}], and it does not know the user: wanted 0, within {WITHIN:.2f}"


def _end(interval: Mapping[str, Any], end: int) -> float | None:
    return None if interval["ci"] is None else float(interval["ci"][end])
