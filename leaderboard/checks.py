"""The checks of a submission, in order. Each yields one sentence per fault, and nothing if all is well.

They come in stages. If a check on which later stages rely finds a fault, these are skipped, since what they compute would mean nothing.

    digests, versions, release, settings     do the files belong together, and are they of this suite, scorer and release?
    coverage, form                           is every sample there once, and do its parts fit together?
    prompts, answers … target                is it what the controls give, what scoring gives, and nobody else's?
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eval_harness import claims as claimed
from eval_harness import recomputed
from eval_harness.results import derive
from eval_harness.runner import choose_items
from eval_harness.suites import Suite
from leaderboard import lengths, plausible
from leaderboard.copies import Other, copied, disagreeing, kept, patched
from leaderboard.submission import Submission, wrong_digests
from leaderboard.told import told
from persona_atlas.data import Release
from persona_atlas.records import Item


@dataclass(frozen=True)
class Case:
    """A submission with everything that it is compared with: the release, the suite, and the submissions that came before."""

    found: Submission
    release: Release
    suite: Suite
    others: Sequence[Other] = ()

    @cached_property
    def items(self) -> Mapping[str, Item]:
        chosen = choose_items(self.release, self.suite.split, self.suite.limit, self.suite.items_per_user)
        return {item.item_id: item for item in chosen}

    @cached_property
    def results(self) -> dict[str, Any]:
        """results.json as it follows from the samples, whatever the submission says."""
        claims = self.found.claims
        return derive(claims.plan, claims.samples, list(self.items.values()), self.release, claims.repeats)

    @cached_property
    def mine(self) -> Other:
        """What is compared with the others."""
        return kept(self.found, self.results)


Faults = Callable[[Case], Iterable[str]]


@dataclass(frozen=True)
class Rule:
    """A check: its name, what it says if all is well, and how it finds faults. `needed`: later stages rely on it."""

    name: str
    well: str
    faults: Faults
    needed: bool = False


def _digests(case: Case) -> Iterator[str]:
    return wrong_digests(case.found)


def _versions(case: Case) -> Iterator[str]:
    return claimed.other_versions(case.found.config)


def _release(case: Case) -> Iterator[str]:
    return claimed.other_release(case.found.config, case.release)


def _settings(case: Case) -> Iterator[str]:
    return claimed.other_settings(case.found.config, case.suite)


def _coverage(case: Case) -> Iterator[str]:
    return claimed.not_covered(case.found.claims, list(case.items.values()), case.release, case.suite)


def _form(case: Case) -> Iterator[str]:
    samples = [*case.found.samples, *case.found.repeats]
    yield from claimed.malformed(samples)
    yield from claimed.uncounted(samples, case.found.config)
    yield from claimed.too_long(samples, case.found.config)
    yield from lengths.dense(case.found.claims)


def _prompts(case: Case) -> Iterator[str]:
    yield from recomputed.other_prompts(case.found.claims, case.items, case.release)
    asked = {(sample.arm, sample.item_id): sample.prompt for sample in case.found.samples if sample.condition == "clean"}
    for sample in case.found.repeats:
        if sample.prompt != asked[sample.arm, sample.item_id]:
            yield f"{claimed.named(sample.key)} repeats another prompt than the one under clean"


def _answers(case: Case) -> Iterator[str]:
    return recomputed.several_answers(case.found.samples)


def _limits(case: Case) -> Iterator[str]:
    yield from lengths.ended_at_the_limit(case.found.claims)
    yield from lengths.counts_of_tokens(case.found.claims)
    yield from lengths.overflowing(case.found.claims)


def _uniformity(case: Case) -> Iterator[str]:
    yield from plausible.one_answer(case.found.claims, case.items)
    yield from plausible.oracles_answers(case.found.claims)


def _results(case: Case) -> Iterator[str]:
    return recomputed.differing(case.found.results, case.results)


def _ranked(case: Case) -> Iterator[str]:
    yield from recomputed.unranked(case.results["notes"])
    yield from plausible.lost_in_one_place(case.found.claims)


def _orders(case: Case) -> Iterator[str]:
    yield from plausible.unsaid(case.found.claims, case.results)
    yield from plausible.not_at_zero(case.found.claims, case.results)


def _copies(case: Case) -> Iterator[str]:
    known = told(case.found.claims, case.items, case.release)
    yield from known.faults()
    copies = [fault for other in case.others for fault in copied(case.mine, other)]
    yield from copies or patched(case.mine, case.others, known.counted)


def _target(case: Case) -> Iterator[str]:
    for other in case.others:
        yield from disagreeing(case.mine, other)


STAGES: tuple[tuple[Rule, ...], ...] = (
    (
        Rule("digests", "every file matches submission.json", _digests),
        Rule("versions", "schema and scorer are the current ones", _versions, needed=True),
        Rule("release", "it was made on this release", _release, needed=True),
        Rule("settings", "its settings are the suite's", _settings, needed=True),
    ),
    (
        Rule("coverage", "every item, condition and arm is there exactly once, in order", _coverage, needed=True),
        Rule("form", "prompts, answers and reasons fit together", _form, needed=True),
    ),
    (
        Rule("prompts", "the controls' prompts are the ones that the controls write", _prompts),
        Rule("answers", "each prompt has one answer", _answers),
        Rule("limits", "token counts fit the texts and the limit", _limits),
        Rule("uniformity", "answers vary as real answers do", _uniformity),
        Rule("results", "every score, interval and test is reproduced from the answers", _results),
        Rule("ranked", "few failures, few answers cut off or missing", _ranked),
        Rule("orders", "policies that do not know the user are at 0", _orders),
        Rule("copies", "it is no copy of another run", _copies),
        Rule("target", "it agrees with other submissions on the same target", _target),
    ),
)
