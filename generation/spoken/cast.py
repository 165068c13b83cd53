"""The cast: which language model speaks for which agent.

    user: openvino pretrained=qwen.gguf        distractor: the same        assistants: smol (weight 1), openvino pretrained=qwen.gguf (weight 3)

A conversation has one assistant, drawn by weight from its own key. Agents with the same model share it, and its batch.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.spoken.provenance import SCRIPTED
from persona_atlas.models import load_model
from persona_atlas.models.cache import ResponseCache
from persona_atlas.models.stream import CachedStream, cached_stream
from persona_atlas.randomness import generator

ASSISTANT = "assistant"


@dataclass(frozen=True)
class Voice:
    """A model by its name and arguments, as `--model` and `--model_args` give them; `weight` is its share among the assistants."""

    model: str
    model_args: str = ""
    weight: float = 1.0

    @property
    def label(self) -> str:
        """What provenance calls it: the name, and the file or model that the arguments name."""
        if self.model == SCRIPTED:
            return "scripted target"  # the model for tests; "scripted" by itself means that no model's words were taken
        arguments = dict(part.split("=", 1) for part in self.model_args.split(",") if "=" in part)
        what = arguments.get("pretrained") or arguments.get("model")
        return f"{self.model} {Path(what).name}" if what else self.model


@dataclass(frozen=True)
class Cast:
    """Who speaks for whom; `entailment` names a model that hears whether a message says what it should, beside the rules (empty: none)."""

    user: Voice
    distractor: Voice
    assistants: tuple[Voice, ...]
    entailment: str = ""

    def voice(self, agent: str) -> Voice:
        """The voice of `user`, `distractor` or `assistant 0`, `assistant 1` …"""
        name, _, number = agent.partition(" ")
        return self.assistants[int(number)] if name == ASSISTANT else self.distractor if name == "distractor" else self.user

    def agents(self) -> list[str]:
        return ["user", "distractor", *(f"{ASSISTANT} {number}" for number in range(len(self.assistants)))]

    def assistant(self, seed: int, conversation_id: str) -> str:
        """The assistant of a conversation."""
        weights = [voice.weight for voice in self.assistants]
        shares = [weight / sum(weights) for weight in weights]
        return f"{ASSISTANT} {int(generator(seed, 'assistant', conversation_id).choice(len(shares), p=shares))}"

    def described(self) -> dict[str, Any]:
        """What the manifest says of it: labels and weights, no path of this machine."""
        return {
            "user": self.user.label,
            "distractor": self.distractor.label,
            "assistants": [{"model": voice.label, "weight": voice.weight} for voice in self.assistants],
            **({"entailment": Path(self.entailment).name} if self.entailment else {}),
        }


@contextmanager
def streams_of(cast: Cast, cache: Path) -> Iterator[Mapping[str, CachedStream]]:
    """agent -> where its prompts go; each model is loaded once. Raises ModelError."""
    kept = ResponseCache(cache)
    opened: dict[tuple[str, str], CachedStream] = {}
    with ExitStack() as stack:
        stack.callback(kept.close)
        for voice in {(voice.model, voice.model_args): voice for voice in map(cast.voice, cast.agents())}.values():
            model = load_model(voice.model, voice.model_args or None)
            opened[voice.model, voice.model_args] = stack.enter_context(cached_stream(model, kept))
        yield {agent: opened[cast.voice(agent).model, cast.voice(agent).model_args] for agent in cast.agents()}
