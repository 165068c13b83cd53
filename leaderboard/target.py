"""The target of a submission, loaded here so that it can be asked again. What a submission says about it is hostile until it has been compared.

From a submission itself only the names in OWN are taken, with the arguments in PLAIN, which name no file, no address and no code. The maintainer has
to give any other target. For the targets in HASHED, what is loaded must have the fingerprint that run.json has: other weights give other answers, and
nobody could be blamed for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex

from leaderboard.escape import shown
from persona_atlas.models import load_model
from persona_atlas.models.cache import CachedModel, ResponseCache
from persona_atlas.models.protocol import LanguageModel

OWN: Mapping[str, tuple[str, ...]] = {
    "scripted": (),
    "smol": ("precision", "frequency_penalty", "context_length"),
    "smol-steerable": ("precision", "frequency_penalty", "context_length"),
}
"""The targets that are loaded as run.json names them, with those of their arguments that answers depend on."""
OURS = ("cache_gb", "max_num_seqs")
"""Their arguments for memory and speed. The submission's are ignored, since these are up to this machine."""
PLAIN = regex.compile(r"precision=(?:fast|f32)|frequency_penalty=[01](?:\.\d{1,6})?|context_length=[1-9]\d{0,5}")
HASHED = (*OWN, "openvino")
"""The targets whose fingerprint is of their weights. That of others holds arguments too, which may well differ between machines."""


class TargetError(ValueError):
    """The target cannot be asked again: what was found, what was wanted, what to type next."""


@dataclass(frozen=True)
class Given:
    """What the command line says about the target; None means the submission's own. `use_cache`: where answers are kept, None for nowhere."""

    model: str | None = None
    model_args: str | None = None
    use_cache: Path | None = None

    def named(self, config: Mapping[str, Any]) -> tuple[str, str]:
        """Return name and arguments of the target to load. Raises TargetError."""
        if self.model is not None:
            return self.model, self.model_args or ""
        name = str(config["model"])
        if name not in OWN:
            raise TargetError(
                f"the target {shown(name, 80)} cannot be loaded as the submission names it, only {', '.join(OWN)} can; "
                "say where it is with --model and --model_args"
            )
        return name, self.model_args if self.model_args is not None else harmless(name, str(config["model_args"]))


def harmless(name: str, model_args: str) -> str:
    """Return those of a submission's arguments that answers depend on. Raises TargetError for one that might name a file or anything else."""
    kept = []
    for part in filter(None, (part.strip() for part in model_args.split(","))):
        key = part.partition("=")[0].strip()
        if key in OURS and OWN[name]:
            continue
        if key not in OWN[name] or not PLAIN.fullmatch(part):
            raise TargetError(f"the submission's --model_args has {shown(part, 80)!r}, which is not taken from it; give --model_args yourself")
        kept.append(part)
    return ",".join(kept)


def loaded(config: Mapping[str, Any], given: Given) -> LanguageModel:
    """Load the target of the run. Raises TargetError or ModelError."""
    name, model_args = given.named(config)
    model = load_model(name, model_args)
    wanted = config["model_fingerprint"]
    if model.fingerprint != wanted and (name in HASHED or config["model"] in HASHED):
        raise TargetError(
            f"the target here is another one: it calls itself {model.fingerprint}, run.json says {shown(wanted)}; "
            "install the same version of its engine, or give its weights with --model and --model_args"
        )
    return model if given.use_cache is None else CachedModel(model, ResponseCache(given.use_cache.expanduser()))
