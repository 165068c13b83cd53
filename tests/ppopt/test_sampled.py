"""Rejection sampling: what another model answers is kept only where verifier and checkers pass it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from persona_atlas.models.protocol import FinishReason, Generation, ModelError, Sampling
from persona_atlas.ppopt.sampled import Asked, asked, sampled_examples
from persona_atlas.render import render


class Obedient:
    """Answers every second prompt right, in the style asked for, and the others with a shrug. The prompt of number `lost` gets no answer."""

    name, fingerprint, context_length = "obedient", "obedient", 8192

    def __init__(self, prompts: Sequence[Asked], lost: int | None = None, reason: FinishReason = "error") -> None:
        self.known = {one.prompt: one for one in prompts}
        self.lost, self.reason = lost, reason
        self.calls = 0

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        self.calls += 1
        for index, prompt in enumerate(prompts):
            one = self.known[prompt]
            text = render(one.filling, one.values) if index % 2 == 0 else "It depends."
            lost = Generation("", self.reason, None, None, "it is down")
            yield index, lost if index == self.lost else Generation(text, "stop", 10, 10)


def test_right_answers_are_kept_and_asked_for_without_the_facts(tmp_path: Path) -> None:
    prompts = [asked(0, i) for i in range(8)]
    kept = sampled_examples(Obedient(prompts), 0, 8, tmp_path / "sampled.jsonl", lambda done, total: None)
    assert 1 <= len(kept) <= 4
    assert {example.prompt for example in kept} <= {prompts[i].query for i in (0, 2, 4, 6)}
    assert not any("These facts are right" in example.prompt for example in kept)


def test_what_was_sampled_is_not_asked_again(tmp_path: Path) -> None:
    model = Obedient([asked(0, i) for i in range(4)])
    first = sampled_examples(model, 0, 4, tmp_path / "sampled.jsonl", lambda done, total: None)
    assert sampled_examples(model, 0, 4, tmp_path / "sampled.jsonl", lambda done, total: None) == first
    assert model.calls == 1


@pytest.mark.parametrize("reason", ["error", "context_overflow"])
def test_an_answer_that_did_not_come_is_no_wrong_answer(reason: FinishReason, tmp_path: Path) -> None:
    model = Obedient([asked(0, i) for i in range(4)], lost=2, reason=reason)
    with pytest.raises(ModelError, match=r"An answer of obedient did not come \(it is down\); mend that"):
        sampled_examples(model, 0, 4, tmp_path / "sampled.jsonl", lambda done, total: None)
    assert not (tmp_path / "sampled.jsonl").exists()


def test_the_facts_of_a_right_answer_stand_in_the_prompt() -> None:
    one = asked(0, 1)
    fact = one.filling.said(one.filling.template.plan.core[0]).replace("**", "")
    assert one.filling.template.split == "train"
    assert fact in one.prompt
    assert fact not in one.query
