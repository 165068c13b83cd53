"""What no honest run shows in token counts, lengths and the ends of answers.

Each rule has a threshold, given beside what was found in the samples that plausible.py names and in the submissions that are there.

ended at the limit      refused: more than AT_LIMIT of an arm's answers end by themselves on the very token at which they would be cut off, or more
                        than FEW are cut off well before it. Found: none
counts of tokens        required: the same answer has the same count everywhere; an arm's texts have one to ten characters per token; and what its
                        prompts add to identity's has at most ten. Found: always; 2.0 to 3.9
tokens of the prompts   required: what the optimizer's prompts add to identity's has at most DENSER times as many characters per token as what the
                        controls' add, in total and in all but FEW of the prompts. Found: 0.9 to 1.0 times, a single prompt's at most 1.2
too long, and short     refused: more than FEW prompts of an arm are too long for the target, yet shorter than one that it answered. Found: none
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eval_harness.claims import Claims, named
from eval_harness.controls import CONTROLS
from eval_harness.runfolder import ENDED, Sample
from leaderboard.plausible import FEW, by_arm

AT_LIMIT = 0.005
MARKS = 8
"""How many tokens an answer's count may be off, by the end of a turn for example, or by what a backend does not count."""
TEMPLATE = 200
"""How many tokens a chat template may add to a prompt."""
CHARACTERS = (1.0, 10.0)
DENSER = 1.6
REWRITTEN = 0.35
"""The share of the query's characters that may cost no tokens if a prompt rewords the query."""
EDGES = 2
"""How many tokens may be saved where an addition meets the query."""


def ended_at_the_limit(claims: Claims) -> Iterator[str]:
    """Yield a fault for an arm whose answers stop by themselves at the token limit too often, or are cut off well below it."""
    limit = claims.config["max_gen_toks"]
    for arm, samples in by_arm(claims.samples).items():
        at_limit = [sample for sample in samples if sample.finish_reason == "stop" and (sample.answer_tokens or 0) >= limit]
        if len(at_limit) > max(FEW, AT_LIMIT * len(samples)):
            yield f"{len(at_limit)} of {len(samples)} answers of {arm} have all of the {limit} tokens allowed, and are said to end by themselves"
        short = [s for s in samples if s.finish_reason == "length" and s.answer_tokens is not None and s.answer_tokens < limit - MARKS]
        if len(short) > FEW:
            yield f"{len(short)} of {len(samples)} answers of {arm} are said to be cut off, with fewer than the {limit} tokens allowed"


def dense(claims: Claims) -> Iterator[str]:
    """Yield a fault for an arm whose answers have more characters than their tokens can: before they are scored, since long ones take long."""
    for arm, samples in by_arm([*claims.samples, *claims.repeats]).items():
        yield from _dense(arm, "answers", [(s.answer, s.answer_tokens) for s in samples if s.answer_tokens is not None])


def counts_of_tokens(claims: Claims) -> Iterator[str]:
    """Yield a fault if equal answers differ in their token counts, or if texts have too many or too few characters per token."""
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
    for arm, samples in by_arm(claims.samples).items():
        prompts = [(s.prompt, s.prompt_tokens) for s in samples if s.prompt and s.prompt_tokens is not None]
        answers = [(s.answer, s.answer_tokens) for s in samples if s.finish_reason in ENDED and s.answer and s.answer_tokens is not None]
        yield from _dense(arm, "prompts", prompts)
        yield from _sparse(arm, "prompts", prompts, TEMPLATE)
        yield from _sparse(arm, "answers", answers, MARKS)
    yield from _added(claims)


class Added(NamedTuple):
    """What a prompt has more than identity's for the same request: characters, and tokens (the chat template is in both).

    `loose`: how many of these characters may have cost no token.
    """

    characters: int
    tokens: int
    loose: float

    def short_of(self, density: float) -> bool:
        """Whether these are too few tokens for `density` characters per token."""
        return (self.tokens + EDGES) * density < self.characters - self.loose


def _additions(claims: Claims) -> dict[str, list[Added]]:
    """Return, by arm, the additions of prompts that are longer than identity's."""
    bare = {(s.condition, s.item_id): s for s in claims.samples if s.arm == "identity" and s.prompt and s.prompt_tokens}
    found: dict[str, list[Added]] = defaultdict(list)
    for sample in claims.samples:
        other = bare.get((sample.condition, sample.item_id))
        if other is None or not sample.prompt or not sample.prompt_tokens:
            continue
        query = other.prompt or ""
        if len(sample.prompt) > len(query):
            loose = 0.0 if query in sample.prompt else REWRITTEN * len(query)
            found[sample.arm].append(Added(len(sample.prompt) - len(query), sample.prompt_tokens - (other.prompt_tokens or 0), loose))
    return found


def _added(claims: Claims) -> Iterator[str]:
    """Yield a fault if the prompts' additions have too few tokens, or the optimizer's fewer than the controls' predict."""
    additions = _additions(claims)
    pooled = {arm: (sum(one.characters for one in mine), sum(one.tokens for one in mine)) for arm, mine in additions.items()}
    for arm, (characters, tokens) in pooled.items():
        if len(additions[arm]) > FEW and characters > CHARACTERS[1] * max(tokens, 0):
            yield f"the prompts of {arm} have {characters:,} characters more than identity's in {tokens:,} tokens more"
    others = [characters / tokens for arm, (characters, tokens) in pooled.items() if arm in CONTROLS and arm != claims.optimizer and tokens > 0]
    own = additions.get(claims.optimizer, [])
    if not others or len(own) <= FEW:
        return
    most = DENSER * max(others)
    characters, tokens = pooled[claims.optimizer]
    short = [one for one in own if one.short_of(most)]
    if characters - sum(one.loose for one in own) > most * max(tokens, 0) or len(short) > FEW:
        what = f"the prompts of {claims.optimizer} have {characters:,} characters more than identity's in {tokens:,} tokens more"
        yield f"{what}, {len(short)} of {len(own)} have too few for more than {most:.1f} characters a token: the controls' have {max(others):.1f}"


def overflowing(claims: Claims) -> Iterator[str]:
    """Yield a fault for prompts that are said to be too long for the target, but are shorter than one that it answered.

    Shorter in tokens: as given, or as estimated generously from the characters per token of the arm's other prompts. In characters if no tokens are
    given.
    """
    answered = [s for s in claims.samples if s.finish_reason in ENDED and s.prompt]
    longest = max(answered, key=lambda s: (s.prompt_tokens or 0, len(s.prompt or "")), default=None)
    if longest is None:
        return
    made = by_arm(answered)
    for arm, samples in by_arm([s for s in claims.samples if s.finish_reason == "context_overflow"]).items():
        short = [s for s in samples if _shorter(s, longest, made.get(arm, answered))]
        if len(short) > FEW:
            what = f"{len(short)} prompts of {arm} are said to be too long for the target, the first {named(short[0].key)}"
            yield f"{what}, and are shorter than that of {named(longest.key)}, which it answered"


def _shorter(sample: Sample, longest: Sample, like: Sequence[Sample]) -> bool:
    """Whether a prompt is shorter than the longest that was answered. `like`: answered prompts of the same arm, if there are any, or of all."""
    length, most = len(sample.prompt or ""), longest.prompt_tokens
    if most is None:
        return DENSER * length < len(longest.prompt or "")
    tokens, characters = sum(s.prompt_tokens or 0 for s in like), sum(len(s.prompt or "") for s in like)
    told = sample.prompt_tokens
    return (told is not None and told < most) or DENSER * length * tokens < most * characters


def _dense(arm: str, what: str, texts: Sequence[tuple[str, int]]) -> Iterator[str]:
    characters, tokens = sum(len(text) for text, _ in texts), sum(tokens for _, tokens in texts)
    if characters > CHARACTERS[1] * tokens:
        yield _implausible(arm, what, characters, tokens)


def _sparse(arm: str, what: str, texts: Sequence[tuple[str, int]], added: int) -> Iterator[str]:
    """Yield a fault if texts have too few characters for their tokens. `added`: how many tokens of each may be marks and template."""
    characters, tokens = sum(len(text) for text, _ in texts), sum(tokens for _, tokens in texts)
    if len(texts) > FEW and characters + len(texts) < CHARACTERS[0] * (tokens - added * len(texts)):
        yield _implausible(arm, what, characters, tokens)


def _implausible(arm: str, what: str, characters: int, tokens: int) -> str:
    low, high = CHARACTERS
    return f"the {what} of {arm} have {characters:,} characters in {tokens:,} tokens, wanted {low:g} to {high:g} a token"
