"""How far the answers of a target may differ when it is asked again: a band for each target, with what was measured.

A target that was not measured must give every answer again. Greedy answers of the OpenVINO engine depend a little on what else is in the batch, and a
reproduction's batches are not the run's. Such answers diverge at some point, but most begin alike; answers to different prompts seldom do.
"""

from dataclasses import dataclass

import regex

BEGINNING = 5
"""How many words make up an answer's beginning."""
RARE = 0.001
"""A share below the band passes if chance produces one at least as low with at least this probability."""
ERRORS = 3.0
"""A mean beyond the band passes if it is within this many standard errors of it."""
ENOUGH = 20
"""With fewer differences than this, their standard error cannot be trusted: that of one is 0, and so is that of two equal ones."""
STRICT, LENIENT = (3.3, RARE / 2), (4.0, RARE / 10)
"""What is allowed of the drift that was measured: standard errors of a mean, and the chance of a count. The first is for the optimizer's answers
under clean, which the rank comes from, the second for each of the many other parts, so that an honest run is refused less than once in a thousand.
"""
POWER = 0.8
"""A reproduction says which lift of the optimizer's mean G it finds with this probability."""
FAR = 0.65
"""An answer is far above another if its G is at least this much higher: about two thirds of the way from meeting nothing to meeting all."""


@dataclass(frozen=True)
class Band:
    """How far answers may differ.

    `same`, `begun`: the least share of answers that are the same, and that begin alike. `apart`: the most that G of an answer may differ on average.
    `shift`: the most that an arm's mean of G, or of any other score in compared.AXES, may differ, beyond chance. `spread`: the standard deviation of
    the difference in G of an answer, in the arm that drifts most. `far`: the share of answers that are FAR above the one of now, in that arm.
    `measured`: the reason for these.
    """

    same: float
    begun: float
    apart: float
    shift: float
    spread: float
    far: float
    measured: str

    @property
    def drifts(self) -> bool:
        """Whether answers may differ at all."""
        return self.same < 1.0


def beginning(answer: str) -> tuple[str, ...]:
    """The first words of an answer."""
    return tuple(answer.split()[:BEGINNING])


PROGRAM = Band(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, "a program, so one prompt has one answer, byte for byte")
STEERABLE = Band(
    0.02, 0.85, 0.18, 0.03, 0.30, 0.035,
    "two machines, 200 users: of 2,379 prompts of three controls 4 % to 7 % of the answers were the same, 88 % to 90 % began alike; G of an answer "
    "differed by 0.09 to 0.14, an arm's mean under clean by at most 0.03; on one machine 28 % to 40 % were the same, 94 % to 98 % began alike; "
    "two entries, 793 prompts a control: the difference in G of an answer has a standard deviation of 0.20 to 0.30, no arm's mean is one way "
    "beyond chance, and of the oracle's answers 3 % to 4 % are 0.65 or more above the other, as many below",
)  # fmt: skip
SMOL = Band(
    0.15, 0.75, 0.15, 0.03, 0.30, 0.035,
    "one machine: a run made twice gave the same 800 answers; of 12 of its prompts asked in another batch 5 had the same answer, 11 began alike; "
    "how far G may differ is taken from smol-steerable, and nothing was measured between machines",
)  # fmt: skip
QWEN = Band(
    0.20, 0.85, 0.15, 0.03, 0.28, 0.04,
    "two machines, one with AMX and one without, 200 prompts each of identity, oracle and last_k, answers of up to 1,024 tokens: 32 % to 60 % of the "
    "answers were the same, 90 % to 93 % began alike; G of an answer differed by 0.05 to 0.11, with a standard deviation of 0.16 to 0.28, an arm's "
    "mean by at most 0.011 (g by 0.015); of the oracle's answers 3 % were 0.65 or more above the other, and 4 % as far below",
)  # fmt: skip
UNMEASURED = Band(
    1.0, 1.0, 0.0, 0.0, 0.0, 0.0,
    "no drift was measured for this target, so every answer must be the same; measure it with benchmarks/drift.py, and add it to leaderboard/band.py",
)  # fmt: skip
BANDS = (
    (regex.compile(r"scripted-[\w-]+"), PROGRAM),
    (regex.compile(r"openvino-genai \S+ CPU fast\|sha256:b9dae2937bc3\w+\|[^|]+\|context:\d+\|frequency penalty:0\.3"), STEERABLE),
    (regex.compile(r"openvino-genai \S+ CPU fast\|sha256:31c27f91855b\w+\|[^|]+\|context:\d+\|frequency penalty:0\.3"), QWEN),
    (regex.compile(r"openvino-genai \S+ CPU fast\|sha256:b179c9523d0e\w+\|[^|]+\|context:\d+"), SMOL),
)
"""Matched against the whole fingerprint: other weights (also a new adapter), precisions and penalties were not measured."""


def band_of(fingerprint: str) -> Band:
    """Return the band of the target that has this fingerprint."""
    return next((band for pattern, band in BANDS if pattern.fullmatch(fingerprint)), UNMEASURED)
