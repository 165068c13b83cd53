"""Whether a submission is another one's run: its prompts and answers under another name, for another target, or with the prompts touched up.

Compared are the optimizer's own prompts, that is, those that are not the query itself, and their answers: word by word, without regard to case,
marks, blanks and invisible characters. If a share of COPIED of the prompts with their answers, or of the long answers alone, is the other's, the
later of the two is a copy. This is checked in all conditions, and in clean alone, which the rank comes from. Found among the policies of a real run,
pair by pair under all conditions: at most 25 % (last_k and retrieval).

The same share must not be put together from several runs either, whichever of them has it, be it under another condition with the whole history
(WHOLE). Prompts that only controls are told (told.py) count as well. Found in the seven submissions, each against the other six: none of the prompts
with their answers, but for what `copied` exempts, and at most 3 % of the long answers, under all conditions and under clean. That is far from COPIED,
which leaves room for kin: two trainings of PPOpt share 21 % of their prompts with the answers, 15 % under clean. The more runs of a kind there are,
the more of another one of that kind is in some of them.

Submissions on one target share the prompts of their controls. Greedy answers to a prompt differ with the machine and the batch: of 2,379 prompts
that two machines put to smol-steerable, 6 % had the same answer on both, and 89 % answers with the same beginning (docs/targets.md). So at least
AGREEING of them must begin alike, and the controls' means must be within DRIFT of each other. Where they are not, one of the two did not come from
this target. Only a reproduction can tell which; until then the later one is refused. A target counts the tokens of a prompt in one way: at most FEW
may differ. A run without counts is refused if another run on its target has them.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eval_harness.claims import SIMULATED, counted_in
from eval_harness.conditions import LAYERS
from eval_harness.controls import CONTROLS
from eval_harness.runfolder import ENDED
from leaderboard.band import beginning
from leaderboard.plausible import FEW, LONG
from leaderboard.submission import Submission
from leaderboard.wordwise import words

COPIED = 0.5
AGREEING = 0.8
DRIFT = 0.08
"""Four standard errors of the difference between a control's mean G over 200 items on two machines (0.020 for the oracle, less for the others)."""
OWN = 0.1
"""If a smaller share of the prompts is the optimizer's own, all of its prompts are compared."""
ENOUGH = 20
"""The least number of prompts or answers that can be compared before a share of them is judged."""
SHARED = ("personalization", "task")
"""The axes on which the controls on one target are compared."""
WHOLE = ("clean", *LAYERS, "history_noise_25", "history_noise_50")
"""The conditions under which all of the history is shown. What was said under one of them can be handed in under another."""
Place = tuple[str, str]
"""Condition and item."""
Said = tuple[int, int, bool]
"""Digests of a prompt and of its answer, and whether the answer is long."""


@dataclass(frozen=True)
class Other:
    """What is kept of a submission, to compare the next ones with."""

    path: Path
    run_id: str
    optimizer: str
    target: tuple[Any, ...]
    said: Mapping[Place, Said]
    answers: Mapping[int, tuple[int, int]]
    """Digest of a control's prompt -> digests of its answer and of the answer's beginning."""
    tokens: Mapping[int, int]
    """Digest of a control's prompt -> its number of tokens, if that is given."""
    means: Mapping[tuple[str, int], Mapping[str, float | None]]
    """(Control, digest of its prompts under clean) -> axis -> mean. With another seed or wording a control has other prompts."""
    counted: tuple[str, ...]
    """What is counted of its answers: `prompt_tokens`, `answer_tokens`."""

    @property
    def simulated(self) -> bool:
        return bool(self.target[0].startswith(f"{SIMULATED}-"))

    @cached_property
    def name(self) -> str:
        return f"{self.path} (run {self.run_id})"

    def keys(self) -> Mapping[Place, tuple[int, int]]:
        """Digests of prompt and answer, and of the answer alone, with what they were said to. They are the same under all conditions in WHOLE."""
        asked = {place: ("" if place[0] in WHOLE else place[0], place[1]) for place in self.said}
        return {place: (hash((*asked[place], prompt, answer)), hash((*asked[place], answer))) for place, (prompt, answer, _) in self.said.items()}

    @cached_property
    def exchanges(self) -> frozenset[int]:
        return frozenset(whole for whole, _ in self.keys().values())

    @cached_property
    def replies(self) -> frozenset[int]:
        return frozenset(answer for _, answer in self.keys().values())


def kept(found: Submission, results: Mapping[str, Any]) -> Other:
    """Return what is kept of a submission. `results`: those computed again, or those of a submission that was accepted before."""
    config = found.config
    target = (config["model_fingerprint"], config["max_gen_toks"], config["dataset_digest"])
    controls = [arm for arm in found.claims.plan.arms if arm in CONTROLS]
    clean = {arm: results["arms"].get(arm, {}).get("clean", {}) for arm in controls}
    prompts = {arm: hash(tuple(s.prompt for s in found.samples if (s.arm, s.condition) == (arm, "clean"))) for arm in controls}
    means = {(arm, prompts[arm]): {axis: clean[arm][axis]["mean"] for axis in SHARED if axis in clean[arm]} for arm in controls}
    ended = [s for s in found.samples if s.arm in CONTROLS and s.finish_reason in ENDED]
    answers = {hash(s.prompt): (hash((s.answer, s.finish_reason)), hash(beginning(s.answer))) for s in ended}
    tokens = {hash(s.prompt): s.prompt_tokens for s in ended if s.prompt_tokens is not None}
    return Other(found.path, found.record["run_id"], found.claims.optimizer, target, _said(found), answers, tokens, means, counted_in(found.samples))


def _said(found: Submission) -> dict[Place, Said]:
    bare = {(s.condition, s.item_id): s.prompt for s in found.samples if s.arm == "identity"}
    mine = [s for s in found.samples if s.arm == found.claims.optimizer and s.finish_reason in ENDED]
    own = [s for s in mine if s.prompt != bare.get((s.condition, s.item_id))]
    looked_at = own if len(own) >= OWN * len(mine) else mine
    return {(s.condition, s.item_id): (words(s.prompt or ""), words(s.answer), len(s.answer.split()) >= LONG) for s in looked_at}


def copied(mine: Other, other: Other) -> Iterator[str]:
    """Yield a fault if the run is the other's.

    Two different controls may well send the same prompts, and the prompts of those in CONTROLS are computed again. If the run is one of these, and
    the other is of another optimizer, only the answers to different prompts are compared.
    """
    if mine.run_id == other.run_id:
        yield f"it is the run that {other.name} holds"
        return
    computed = _computed(mine, other)
    for part, where in _parts(mine):
        both = [(part[place], other.said[place]) for place in part if place in other.said]
        whole = [one[:2] == theirs[:2] for one, theirs in both]
        if not computed and len(whole) >= ENOUGH and sum(whole) >= COPIED * len(part):
            yield f"{sum(whole)} of its optimizer's {len(part)} prompts{where} with their answers are those of {other.name}"
            return
        long = [one[1] == theirs[1] for one, theirs in both if one[2] and not (computed and one[0] == theirs[0])]
        if len(long) >= ENOUGH and sum(long) >= COPIED * len(long) and not mine.simulated:
            what = f"{sum(long)} of its optimizer's {len(long)} answers{where}"
            yield f"{what} are those of {other.name} word for word, although it was asked otherwise"
            return


def patched(mine: Other, others: Sequence[Other], told: Set[Place] = frozenset()) -> Iterator[str]:
    """Yield a fault if the run is put together from several others' and from prompts that are `told`. What `copied` exempts is exempt here, too."""
    keys = mine.keys()
    rivals = [other for other in others if not _computed(mine, other)]
    exchanges = frozenset().union(*(other.exchanges for other in rivals))
    replies = frozenset().union(*(other.replies for other in others))
    exempt = frozenset().union(*(other.exchanges for other in others if _computed(mine, other)))
    for part, where in _parts(mine):
        known = [keys[place][0] for place in part if keys[place][0] in exchanges]
        more = sum(place in told and keys[place][0] not in exchanges for place in part)
        if known and len(part) >= ENOUGH and len(known) + more >= COPIED * len(part):
            also = f", and {more} tell what only controls are told" if more else ""
            most = _most(known, {other.name: other.exchanges for other in rivals})
            yield f"{len(known)} of its optimizer's {len(part)} prompts{where} with their answers are those of {most}{also}"
            return
        long = [keys[place] for place, said in part.items() if said[2] and keys[place][0] not in exempt]
        same = [answer for _, answer in long if answer in replies]
        if len(long) >= ENOUGH and len(same) >= COPIED * len(long) and not mine.simulated:
            most = _most(same, {other.name: other.replies for other in others})
            yield f"{len(same)} of its optimizer's {len(long)} answers{where} are those of {most} word for word, although it was asked otherwise"
            return


def _computed(mine: Other, other: Other) -> bool:
    return mine.optimizer in CONTROLS and mine.optimizer != other.optimizer


def _parts(mine: Other) -> Iterator[tuple[Mapping[Place, Said], str]]:
    yield mine.said, ""
    yield {place: said for place, said in mine.said.items() if place[0] == "clean"}, " under clean"


def _most(found: Sequence[int], there: Mapping[str, Set[int]]) -> str:
    """Name the run that has all of what was found, or else most of it."""
    counts = {name: sum(key in keys for key in found) for name, keys in there.items()}
    name = max(counts, key=lambda one: counts[one])
    return name if counts[name] == len(found) else f"several runs, {counts[name]} of them of {name}"


def disagreeing(mine: Other, other: Other) -> Iterator[str]:
    """Yield a fault for each way in which the controls of the two disagree on the same target."""
    if mine.target != other.target:
        return
    both = [prompt for prompt in mine.answers if prompt in other.answers]
    part, what, least = (0, "have the same answer", 1.0) if mine.simulated else (1, "have an answer that begins alike", AGREEING)
    alike = sum(mine.answers[prompt][part] == other.answers[prompt][part] for prompt in both)
    if len(both) >= ENOUGH and alike < least * len(both):
        yield f"of {len(both)} prompts that {other.name} asked of the same target too, {alike} {what}, wanted {least:.0%}"
    for name in other.counted:
        if name not in mine.counted:
            yield f"it has no {name}, which {other.name} on the same target has"
    counted = [prompt for prompt in mine.tokens if prompt in other.tokens]
    if (apart := sum(mine.tokens[prompt] != other.tokens[prompt] for prompt in counted)) > FEW:
        yield f"of {len(counted)} prompts that {other.name} asked of the same target too, {apart} have another number of tokens there"
    for (arm, prompts), axes in other.means.items():
        for axis, there in axes.items():
            here = mine.means.get((arm, prompts), {}).get(axis)
            if here is not None and there is not None and abs(here - there) > DRIFT:
                yield f"{axis} of {arm} is {here:.2f}, with {other.name} on the same target it is {there:.2f}, wanted at most {DRIFT:.2f} apart"
