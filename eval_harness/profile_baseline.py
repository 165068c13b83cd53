"""The baseline `profile`: the target itself sums up the user's history, then rewrites the question accordingly. Two calls per prompt.

The other controls are functions of one item. This one asks the target, for many items at once, so that its batches are full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval_harness.baselines import newest
from eval_harness.conditions import Shown
from eval_harness.gold import Gold
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling

PROFILE_TOKENS, REWRITING_TOKENS = 120, 200
SUM_UP = (
    "These are conversations of one user with an assistant:\n\n{history}\n\nIn at most five short lines, say how this user wants answers to be: "
    "their length, form and tone, and what else the user asks for or dislikes."
)
REWRITE = (
    "A user wants answers like this:\n{profile}\n\nRewrite the user's question so that it asks for such an answer. Keep every figure and fact of the "
    "question. Write the rewritten question alone.\n\nQuestion: {query}"
)


@dataclass(frozen=True)
class Rewritten:
    """A prompt, or the reason why there is none, and what it used of the target.

    `failure`: why the target wrote nothing. `error`: why one of its answers was lost.
    """

    text: str | None
    failure: str | None = None
    error: str | None = None
    calls: int = 0
    tokens: int = 0


def profiled(asked: Sequence[Shown], gold: Gold, model: LanguageModel) -> list[Rewritten]:
    """One prompt for each request, in order: the query as it is where no conversation is shown, or none fits."""
    histories = [newest(shown.messages(), gold) for shown in asked]
    known = [i for i, history in enumerate(histories) if history]
    profiles = _answers(model, [SUM_UP.format(history=histories[i]) for i in known], PROFILE_TOKENS)
    rewritings = _answers(
        model,
        [REWRITE.format(profile=profile.text.strip(), query=asked[i].query) for i, profile in zip(known, profiles, strict=True)],
        REWRITING_TOKENS,
    )
    found = [Rewritten(shown.query) for shown in asked]
    for i, profile, rewriting in zip(known, profiles, rewritings, strict=True):
        found[i] = _rewritten(profile, rewriting)
    return found


def _rewritten(profile: Generation, rewriting: Generation) -> Rewritten:
    text, tokens = rewriting.text.strip(), sum((one.prompt_tokens or 0) + (one.answer_tokens or 0) for one in (profile, rewriting))
    if lost := next((one for one in (profile, rewriting) if one.finish_reason == "error"), None):
        return Rewritten(None, error=lost.error, calls=2, tokens=tokens)
    failure = None if text else f"empty prompt: {rewriting.error or 'the target wrote nothing'}"
    if profile.finish_reason == "context_overflow":  # what was rewritten then knows nothing of the user
        text, failure = "", f"no profile: {profile.error}"
    return Rewritten(text or None, failure, calls=2, tokens=tokens)


def _answers(model: LanguageModel, prompts: Sequence[str], longest: int) -> list[Generation]:
    found: Mapping[int, Generation] = dict(model.generate(prompts, Sampling(longest)))
    return [found[index] for index in range(len(prompts))]
