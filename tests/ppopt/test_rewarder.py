"""From replies to advantages: what the target is asked, and what each reply earns for what it answered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from persona_atlas.data import Release
from persona_atlas.models.protocol import FinishReason, Generation, ModelError, Sampling
from persona_atlas.ppopt.base import CHATS, WHOLE, Settings
from persona_atlas.ppopt.chats import told_in, wanted, write_asked
from persona_atlas.ppopt.grpo import Rewarder
from persona_atlas.ppopt.recipe import load_recipe
from persona_atlas.ppopt.text import Finding, asked, written
from persona_atlas.ppopt.wishes import asking, wishes
from persona_atlas.protocol import Message
from persona_atlas.records import Item


class Target:
    """A target that was told what it answers: prompt -> answer, else it has no idea. `asked`: all prompts, in order."""

    name, fingerprint, context_length = "told", "told", None

    def __init__(self, answers: dict[str, str], lost: str | None = None, reason: FinishReason = "error") -> None:
        self.answers, self.lost, self.reason = answers, lost, reason
        self.asked: list[str] = []

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        self.asked += prompts
        for number, prompt in enumerate(prompts):
            failed = prompt == self.lost
            yield (
                number,
                Generation(
                    "" if failed else self.answers.get(prompt, "No idea."), self.reason if failed else "stop", 1, 1, "it is down" if failed else None
                ),
            )


@pytest.fixture(scope="module")
def item(release: Release) -> Item:
    """An item of which one wish by itself is in PPOpt's words."""
    return next(item for item in release.items("train") if item.gold and item.lures and (item.gold[0].dimension, item.gold[0].value) in wishes())


def gold(item: Item) -> tuple[str, str]:
    return item.gold[0].dimension, item.gold[0].value


def finding(item: Item, said: str = "") -> Finding:
    return Finding(said, f"so this user wants {wishes()[gold(item)].wants[0]}.")


def table(release: Release, target: Target, settings: Settings, reads: str, item: Item, replies: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The names of the rewards, and what each reply earns: shape (replies, rewards)."""
    names = ("format", "profile", "task", "personalization", "overpersonalization", "brevity")
    recipe = replace(load_recipe("grpo", "smoke"), rollouts=len(replies), rewards=dict.fromkeys(names, 1.0))
    rewarder = Rewarder(release, target, recipe, settings)
    rewarder.metrics = defaultdict(list)
    seen: list[np.ndarray] = []
    tell = rewarder._tell
    rewarder._tell = lambda found, guarded: (seen.append(found), tell(found, guarded))  # type: ignore[method-assign, func-returns-value, assignment]
    many: dict[str, Any] = {
        "prompts": [[{"role": "user", "content": reads}]] * len(replies),
        "completions": [[{"role": "assistant", "content": text}] for text in replies],
        "item_id": [item.item_id] * len(replies),
        "query": [item.query] * len(replies),
        "said": [reads] * len(replies),
        "values": [[{"dimension": gold(item)[0], "value": gold(item)[1]}]] * len(replies),
    }
    found = rewarder(**many)
    assert len(found) == len(replies)
    assert sum(found) == pytest.approx(0.0, abs=1e-9)
    return rewarder.names, seen[0]


def test_a_reply_earns_what_the_target_answers_to_its_prompt(release: Release, item: Item) -> None:
    said = "Please answer in the way that I like best from now on."
    reads = asked([[Message("user", said), Message("assistant", "All right.")]], item.query)
    good = asking(item.query, wishes()[gold(item)].ask[:1])
    lossy, leaking = "Do as I like.", f"{item.query}\n\nThe answer is this: {item.witness}"
    target = Target({good: item.witness, item.query: "No idea."})
    replies = [written([finding(item, said)], good), written([], item.query), written([], lossy), written([], leaking)]
    names, rows = table(release, target, Settings("random", 300, True, 512, WHOLE), reads, item, replies)
    assert names == ["format", "profile", "task", "personalization", "overpersonalization", "brevity"]
    assert target.asked == [good, item.query]  # a prompt that breaks a guard is not asked
    assert rows[0, :4].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert rows[1, :4].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert rows[2:, 2:5].tolist() == [[0.0, 0.0, -1.0]] * 2
    assert rows[0, 5] < rows[1, 5] == 1.0


def test_a_policy_that_is_told_what_is_wanted_earns_for_the_prompt_that_is_sent(release: Release, item: Item) -> None:
    reads = write_asked([finding(item)], item.query)
    good = asking(item.query, wishes()[gold(item)].ask[:1])
    rambling = f"{good}\n- Whatever else you do, hum a little tune for me."
    target = Target({good: item.witness})
    names, rows = table(release, target, Settings("random", 300, True, 512, CHATS), reads, item, [written(None, good), written(None, rambling)])
    assert "profile" not in names
    assert target.asked == [good, item.query]
    assert rows[0].tolist() == rows[1].tolist()


def test_a_policy_that_writes_no_profile_earns_none(release: Release, item: Item) -> None:
    names, _ = table(release, Target({}), Settings("random", 300, False, 512, WHOLE), asked([], item.query), item, [written(None, item.query)] * 2)
    assert "profile" not in names


@pytest.mark.parametrize("reason", ["error", "context_overflow"])
def test_an_answer_that_did_not_come_is_no_bad_answer(reason: FinishReason, release: Release, item: Item) -> None:
    with pytest.raises(ModelError, match=r"did not come \(it is down\); mend that"):
        table(
            release,
            Target({}, lost=item.query, reason=reason),
            Settings("random", 300, True, 512, WHOLE),
            asked([], item.query),
            item,
            [written([], item.query)] * 2,
        )


def test_what_was_told_is_read_again() -> None:
    verdicts = [f"so this user wants {wish.wants[0]}{area}." for wish in wishes().values() for area in ("", ", only for cooking and travel")]
    reads = write_asked([Finding("Whatever", verdict) for verdict in verdicts], "Why?\n- is this no wish?")
    assert [wanted(found.verdict) for found in told_in(reads)] == [wanted(verdict) for verdict in verdicts]
    assert told_in(write_asked([], "Why?")) == ()
