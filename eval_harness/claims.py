"""Checks of what a finished run says about itself: settings, versions, release, coverage, and the form of its samples.

Each function yields one sentence per fault, for example

    limit is 50, the suite core has 200
    placebo has no sample under surface for u-test-000003-i00

and nothing if all is well. What can be computed again is checked in recomputed.py. `atlas-eval submit` and the leaderboard share both modules.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_harness.baselines import check_control_arguments
from eval_harness.controls import ASKING, CONTROLS, KNOWN
from eval_harness.coverage import expected, expected_repeats, plan_of
from eval_harness.errors import EvalError
from eval_harness.runfolder import ENDED, Key, Sample
from eval_harness.suites import LONG_ANSWERS, Suite, fits
from eval_harness.table import Plan
from eval_harness.wordings import wording_of
from persona_atlas.data import Release
from persona_atlas.records import SCHEMA_VERSION, Item
from persona_atlas.scoring import SCORER_VERSION

SIMULATED = "scripted"
"""The simulated target, which is no language model."""
COUNTING = (f"{SIMULATED}-", "openvino-genai ")
"""How the fingerprints of targets begin that always count tokens: the simulated one, and all that run on OpenVINO."""
COUNTS = ("prompt_tokens", "answer_tokens")
LONGEST_TOKEN = 40
"""Characters per token: an answer longer than this times the token limit cannot be genuine."""


@dataclass(frozen=True)
class Claims:
    """A run as it was handed in: its configuration, its samples and repeats in the order of their files, and its results."""

    config: Mapping[str, Any]
    samples: Sequence[Sample]
    repeats: Sequence[Sample]
    results: Mapping[str, Any]

    @property
    def plan(self) -> Plan:
        return plan_of(self.config)

    @property
    def optimizer(self) -> str:
        return str(self.config["optimizer"])


def other_versions(config: Mapping[str, Any]) -> Iterator[str]:
    """Faults where the run was made with another schema or scorer version than this package has."""
    for key, here in (("schema_version", SCHEMA_VERSION), ("scorer_version", SCORER_VERSION)):
        if config[key] != here:
            yield f"{key} is {config[key]}, here it is {here}; run it again with this version of persona-atlas"


def other_release(config: Mapping[str, Any], release: Release) -> Iterator[str]:
    """Faults where the run was made on a release of another content, or where the release is imported."""
    found, wanted = config["dataset_digest"], release.manifest["content_digest"]
    if found != wanted:
        yield f"it was made on a release with content digest {str(found)[:16]}, wanted {wanted[:16]} ({release.source})"
    if release.imported:
        yield "the release is imported: its questions have no task, and its values are not drawn evenly"


def other_settings(config: Mapping[str, Any], suite: Suite) -> Iterator[str]:
    """Faults where the run does not match the suite: limited, under other conditions, without a required control, or in another
    wording than the target's.

    Unknown controls, arguments that a control does not take, and a fingerprint that cannot be the model's are faults, too.
    """
    if config["suite"] != suite.name:
        yield f"the suite is {config['suite'] or 'none (it was not given, or a flag of it was changed)'}, wanted {suite.name}"
    for key in ("split", "limit", "items_per_user"):
        if config[key] != getattr(suite, key):
            yield f"{key} is {_plain(config[key])}, the suite {suite.name} has {_plain(getattr(suite, key))}"
    if not fits("max_gen_toks", config["max_gen_toks"], suite.max_gen_toks):
        wanted = f"{suite.max_gen_toks}, or {LONG_ANSWERS} for a target that says much"
        yield f"max_gen_toks is {config['max_gen_toks']}, the suite {suite.name} has {wanted}"
    conditions = tuple(config["conditions"])
    if missing := [name for name in suite.conditions if name not in conditions]:
        yield f"it lacks the conditions {', '.join(missing)} of the suite {suite.name}"
    elif conditions != suite.conditions:
        yield f"its conditions are {', '.join(conditions)}, wanted {', '.join(suite.conditions)}"
    if missing := [arm for arm in suite.arms if arm not in plan_of(config).arms]:
        yield f"it lacks the control{'s' if len(missing) > 1 else ''} {', '.join(missing)}: run it with --controls {','.join(suite.arms)}"
    simulated, fingerprint = config["model"] == SIMULATED, config["model_fingerprint"]
    if fingerprint != fingerprint.strip() or simulated != fingerprint.startswith(f"{SIMULATED}-"):
        yield f"the model {config['model']} has not the fingerprint {fingerprint!r}"
    if (wording := config["oracle_wording"]) != (recorded := wording_of(fingerprint)):
        yield f"oracle_wording is {wording}, and runs on this target have {recorded}: run it with --oracle_wording {recorded}"
    for name in config["controls"]:
        if name not in KNOWN:
            yield f"there is no control {name}"
    if config["optimizer"] in KNOWN:
        try:
            check_control_arguments(config["optimizer"], config["optimizer_args"])
        except EvalError as error:
            yield str(error)


def _plain(value: object) -> str:
    return "all" if value is None else str(value)


def not_covered(claims: Claims, items: Sequence[Item], release: Release, suite: Suite) -> Iterator[str]:
    """Faults where the samples are not exactly the items x conditions x arms of the run, in order, or the repeats not exactly those expected."""
    users = len({item.persona_id for item in items})
    if users != (suite.limit or users):
        yield f"the release has {users} users in split {suite.split}, the suite {suite.name} asks {suite.limit}: give a larger release"
    yield from _differences("samples.jsonl", [sample.key for sample in claims.samples], expected(claims.config, items, release))
    yield from _differences("repeats.jsonl", [sample.key for sample in claims.repeats], expected_repeats(claims.config, items))


def _differences(file: str, found: Sequence[Key], wanted: Sequence[Key]) -> Iterator[str]:
    counts, known = Counter(found), set(wanted)
    twice, strange = [key for key, count in counts.items() if count > 1], [key for key in counts if key not in known]
    missing = [key for key in wanted if key not in counts]
    for keys, said in ((missing, "are missing"), (strange, "do not belong there"), (twice, "stand there more than once")):
        if keys:
            yield f"{len(keys):,} of {len(wanted):,} samples {said} in {file}, the first {named(keys[0])}"
    if not (twice or strange or missing) and list(found) != list(wanted):
        place = next(i for i, pair in enumerate(zip(found, wanted, strict=True)) if pair[0] != pair[1])
        yield f"{file} is in another order: line {place + 1} is {named(found[place])}, wanted {named(wanted[place])}"


def named(key: Key) -> str:
    """A key in words: `identity under clean for ITEM`."""
    return f"{key.arm} under {key.condition} for {key.item_id}"


def malformed(samples: Sequence[Sample]) -> Iterator[str]:
    """Samples whose fields contradict each other: an answer without a prompt, a failure with an answer, a control that failed or spent calls.

    Token counts that only some of the answers have are a fault, too; an empty answer may lack them, since no server counts what its filter refuses.
    """
    for sample in samples:
        if why := _malformed(sample):
            yield f"{named(sample.key)} {why}"
    for name in COUNTS:
        counted = {getattr(sample, name) is not None for sample in samples if sample.finish_reason in ENDED and sample.answer}
        if len(counted) > 1:
            yield f"{name} is there for some answers and not for others"


def counted_in(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return those of COUNTS that answers have."""
    return tuple(name for name in COUNTS if any(getattr(sample, name) is not None for sample in samples if sample.finish_reason in ENDED))


def uncounted(samples: Sequence[Sample], config: Mapping[str, Any]) -> Iterator[str]:
    """Faults where no answer has a count of tokens, although the target always gives one: without counts, few checks can tell that an answer was cut
    off, or how long a prompt is.
    """
    if str(config["model_fingerprint"]).startswith(COUNTING):
        for name in COUNTS:
            if name not in counted_in(samples):
                yield f"{name} is there for no answer, although {config['model']} counts tokens"


def too_long(samples: Sequence[Sample], config: Mapping[str, Any]) -> Iterator[str]:
    """Answers that are longer than the run's token limit permits; scoring them could take hours."""
    most = LONGEST_TOKEN * config["max_gen_toks"]
    for sample in samples:
        if len(sample.answer) > most:
            yield f"{named(sample.key)} has an answer of {len(sample.answer):,} characters, more than {config['max_gen_toks']} tokens can have"


def _malformed(sample: Sample) -> str | None:
    if sample.arm in CONTROLS and (sample.failure is not None or sample.profile or sample.calls or sample.tokens):
        return "is a control's, and has a failure, a profile or calls"
    unasked = sample.arm in ASKING and sample.finish_reason == "error"  # the target was to write the prompt, and its answer was lost
    if not unasked and (sample.prompt is None) != (sample.finish_reason == "no_prompt"):
        return f"ended with {sample.finish_reason} and has {'no' if sample.prompt is None else 'a'} prompt"
    if (sample.failure is not None) != (sample.finish_reason == "no_prompt"):
        return f"ended with {sample.finish_reason} and {'says' if sample.failure else 'does not say'} why the optimizer failed"
    if (sample.error is not None) != (sample.finish_reason in ("error", "context_overflow")):
        return f"ended with {sample.finish_reason} and {'says' if sample.error else 'does not say'} why the target failed"
    if sample.answer and sample.finish_reason not in ENDED:
        return f"ended with {sample.finish_reason} and has an answer"
    return None
