"""The cast: which language model speaks as which agent.

    user: openvino pretrained=qwen.gguf        distractor: the same        assistants: smol (weight 1), openvino pretrained=qwen.gguf (weight 3)

Each conversation has one assistant, drawn by weight from the conversation's own key. Agents with the same model and arguments share the loaded model
and its batch.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.spoken.provenance import SCRIPTED
from persona_atlas.models import load_model
from persona_atlas.models.cache import ResponseCache
from persona_atlas.models.digest import path_digest
from persona_atlas.models.lmeval_backend import BESIDE_WEIGHTS, SECRETS, SPEED_ONLY
from persona_atlas.models.stream import CachedStream, cached_stream
from persona_atlas.randomness import digest, generator

ASSISTANT = "assistant"
FILES = {"adapter", "pretrained", *BESIDE_WEIGHTS}
"""The model arguments that may name a file or a folder."""
NOT_DECIDING = SECRETS | SPEED_ONLY | {"cache_gb", "gpu_memory_utilization", "max_num_seqs"}
"""The model arguments that do not change answers: secrets, and settings of speed and memory."""


@dataclass(frozen=True)
class Voice:
    """A model, given by `--model` and `--model_args`. `weight`: its share among the assistants, relative to the sum of their weights."""

    model: str
    model_args: str = ""
    weight: float = 1.0

    @property
    def label(self) -> str:
        """The name in provenance: the model's name, and the file or model that its arguments name."""
        if self.model == SCRIPTED:
            return "scripted target"  # the model for tests; "scripted" by itself means that no model's words were taken
        what = self.arguments.get("pretrained") or self.arguments.get("model")
        return f"{self.model} {Path(what).name}" if what else self.model

    @property
    def arguments(self) -> dict[str, str]:
        parts = (part.partition("=") for part in self.model_args.split(",") if "=" in part)
        return {key.strip(): value.strip() for key, _, value in parts}

    def deciding(self) -> dict[str, str]:
        """Argument -> digest, for those that answers depend on. For a file it is a digest of the content, not the path. Raises OSError."""
        found = {key: value for key, value in self.arguments.items() if key not in NOT_DECIDING}
        return {key: digest(_content(value) if key in FILES else value) for key, value in found.items()}


@dataclass(frozen=True)
class Cast:
    """The models of all agents. `entailment`: a model that checks user messages in addition to the rules (empty: none)."""

    user: Voice
    distractor: Voice
    assistants: tuple[Voice, ...]
    entailment: str = ""

    def voice(self, agent: str) -> Voice:
        """The voice of an agent: `user`, `distractor`, `assistant 0`, `assistant 1` …"""
        name, _, number = agent.partition(" ")
        return self.assistants[int(number)] if name == ASSISTANT else self.distractor if name == "distractor" else self.user

    def agents(self) -> list[str]:
        return ["user", "distractor", *(f"{ASSISTANT} {number}" for number in range(len(self.assistants)))]

    def assistant(self, seed: int, conversation_id: str) -> str:
        """The agent that is the assistant of a conversation, such as `assistant 1`."""
        weights = [voice.weight for voice in self.assistants]
        shares = [weight / sum(weights) for weight in weights]
        return f"{ASSISTANT} {int(generator(seed, 'assistant', conversation_id).choice(len(shares), p=shares))}"

    def described(self) -> dict[str, Any]:
        """The cast as the manifest describes it: labels and weights, no local paths."""
        return {
            "user": self.user.label,
            "distractor": self.distractor.label,
            "assistants": [{"model": voice.label, "weight": voice.weight} for voice in self.assistants],
            **({"entailment": Path(self.entailment).name} if self.entailment else {}),
        }

    def deciding(self) -> dict[str, dict[str, str]]:
        """agent -> argument -> digest, for all that answers depend on besides `described`. It does not reveal the arguments. Raises OSError."""
        entailment = {"entailment": {"entailment": digest(_content(self.entailment))}} if self.entailment else {}
        return {**{agent: self.voice(agent).deciding() for agent in self.agents()}, **entailment}


def _content(name: str) -> str:
    """The digest of the file or folder with that name; if there is none, it is a name on the Hub and stands for itself."""
    path = Path(os.path.expanduser(name))
    return path_digest(path) if path.exists() else name


@contextmanager
def streams_of(cast: Cast, cache: Path) -> Iterator[Mapping[str, CachedStream]]:
    """Open agent -> the stream that takes its prompts. Each model is loaded once. Raises ModelError."""
    kept = ResponseCache(cache)
    opened: dict[tuple[str, str], CachedStream] = {}
    with ExitStack() as stack:
        stack.callback(kept.close)
        for voice in {(voice.model, voice.model_args): voice for voice in map(cast.voice, cast.agents())}.values():
            model = load_model(voice.model, voice.model_args or None)
            opened[voice.model, voice.model_args] = stack.enter_context(cached_stream(model, kept))
        yield {agent: opened[cast.voice(agent).model, cast.voice(agent).model_args] for agent in cast.agents()}
