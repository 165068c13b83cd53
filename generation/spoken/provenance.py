"""Where the words of a spoken release come from: one row a turn, and the counts of them that `atlas-generate stats` prints."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Utterance:
    """Where a turn's words come from: the agent, the model (or `scripted`), how many tries there were, and why each that failed was not taken."""

    conversation_id: str
    persona_id: str
    turn: int
    agent: str
    model: str
    tries: int
    failures: tuple[str, ...]

    @property
    def taken(self) -> bool:
        return self.model != SCRIPTED


def acceptance(utterances: Iterable[Utterance]) -> dict[str, Any]:
    """agent -> turns, shares taken at the first try and after all, tries, failed tries by reason, and turns by model."""
    found: dict[str, dict[str, Any]] = {}
    for one in utterances:
        mine = found.setdefault(one.agent, {"turns": 0, "first": 0, "taken": 0, "tries": 0, "failures": Counter(), "models": Counter()})
        mine["turns"] += 1
        mine["first"] += one.taken and one.tries == 1
        mine["taken"] += one.taken
        mine["tries"] += one.tries
        mine["failures"].update(one.failures)
        mine["models"][one.model] += 1
    return {agent: _plain(found[agent]) for agent in sorted(found)}


def _plain(counts: Mapping[str, Any]) -> dict[str, Any]:
    turns = counts["turns"]
    return {
        "turns": turns,
        "first_try": counts["first"] / turns,
        "after_retries": counts["taken"] / turns,
        "tries": counts["tries"],
        "failures": dict(counts["failures"].most_common()),
        "models": dict(counts["models"].most_common()),
    }


def failures_of(utterances: Iterable[Utterance]) -> Counter[str]:
    """Failed tries by agent and reason, as the manifest lists them."""
    return Counter(f"{one.agent}: {reason}" for one in utterances for reason in one.failures)
