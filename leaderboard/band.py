"""How far the answers of a target may differ when it is asked again: for each target its band, and beside it what was measured.

A target that was not measured must give every answer again. Greedy answers of the OpenVINO engine depend a little on what else is in the batch, and a
reproduction asks in other batches than the run did: such answers part somewhere, but most begin alike, which answers to another prompt seldom do.
"""

from dataclasses import dataclass

import regex

BEGINNING = 5
"""So many words are an answer's beginning."""
RARE = 0.001
"""A share below the band is let pass where chance alone would bring so low a one, or a lower, more often than this."""
ERRORS = 3.0
"""A mean beyond the band is let pass within so many standard errors."""
ENOUGH = 20
"""Fewer differences than these have no standard error to be trusted: that of one is 0, that of two alike as well."""


@dataclass(frozen=True)
class Band:
    """`same`, `begun`: the least share of answers that are the same, and that begin alike. `apart`: the most that G of an answer may differ in the
    mean; `shift`: the most that an arm's mean G may. `measured`: the reason, arm by arm.
    """

    same: float
    begun: float
    apart: float
    shift: float
    measured: str


def beginning(answer: str) -> tuple[str, ...]:
    """The first words of an answer."""
    return tuple(answer.split()[:BEGINNING])


PROGRAM = Band(1.0, 1.0, 0.0, 0.0, "a program, so one prompt has one answer, byte for byte")
STEERABLE = Band(
    0.02, 0.85, 0.18, 0.03,
    "two machines, 200 users: of 2,379 prompts of three controls 4 % to 7 % of the answers were the same, 88 % to 90 % began alike; G of an answer "
    "differed by 0.09 to 0.14, an arm's mean under clean by at most 0.03; on one machine 28 % to 40 % were the same, 94 % to 98 % began alike",
)  # fmt: skip
SMOL = Band(
    0.15, 0.75, 0.15, 0.03,
    "one machine: a run made twice gave the same 800 answers; of 12 of its prompts asked in another batch 5 had the same answer, 11 began alike; "
    "how far G may differ is taken from smol-steerable, and nothing was measured between machines",
)  # fmt: skip
UNMEASURED = Band(
    1.0, 1.0, 0.0, 0.0,
    "no drift was measured for this target, so every answer must be the same; measure it with benchmarks/drift.py, and add it to leaderboard/band.py",
)  # fmt: skip
BANDS = (
    (regex.compile(r"scripted-[\w-]+"), PROGRAM),
    (regex.compile(r"openvino-genai \S+ CPU fast\|sha256:b9dae2937bc3\w+\|[^|]+\|context:\d+\|frequency penalty:0\.3"), STEERABLE),
    (regex.compile(r"openvino-genai \S+ CPU fast\|sha256:b179c9523d0e\w+\|[^|]+\|context:\d+"), SMOL),
)
"""By the whole fingerprint: other weights (a new adapter, too), precisions and penalties were not measured."""


def band_of(fingerprint: str) -> Band:
    """The band of the target that calls itself so."""
    return next((band for pattern, band in BANDS if pattern.fullmatch(fingerprint)), UNMEASURED)
