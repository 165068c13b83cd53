"""PPOpt as an optimizer: `atlas-eval --optimizer ppopt --optimizer_args checkpoint=DIR`.

The policy writes a profile and a prompt. A prompt that is not there, or that loses a part of the query, is replaced by the query itself, and the
notes say so.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from persona_atlas.models import load_model
from persona_atlas.models.adapter import merged
from persona_atlas.models.protocol import LanguageModel, ModelError, Sampling, unknown_name
from persona_atlas.ppopt.base import ADAPTER, base_path, import_torch, read_settings
from persona_atlas.ppopt.text import Reply, asked, fitting, lost, parse
from persona_atlas.ppopt.windows import History, together, windows
from persona_atlas.protocol import Context, Prompt, Request

ENGINES = ("openvino", "hf", "vllm")
READ = ("newest", "all")


class PPOpt:
    """`checkpoint`: a folder that atlas-train wrote, by default the one in the package; `engine`: what runs it; `base`: where the base's weights
    lie in the engine's own form, if not where they were in training; `history_tokens`: how much of the history is read at once, by default as much
    as in training; `read`: `newest`, so much of it alone, or `all`, a window after the other (windows.py). `counts`: replies by what was wrong with
    them.

    Raises ModelError where the checkpoint or the engine cannot be had.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        engine: str = "openvino",
        base: str | None = None,
        history_tokens: int | None = None,
        read: str = "newest",
    ) -> None:
        if read not in READ:
            raise unknown_name("way to read a history", read, READ)
        folder = Path(checkpoint).expanduser() if checkpoint else shipped()
        self.settings = read_settings(folder)
        self.history_tokens, self.read = history_tokens or self.settings.history_tokens, read
        self.model = load_policy(folder, engine, base or self.settings.base)
        self.counts: Counter[str] = Counter()

    def optimize(self, request: Request, context: Context) -> Prompt:
        return self.optimize_batch([request], context)[0]

    def optimize_batch(self, requests: Sequence[Request], context: Context) -> list[Prompt]:
        """A prompt for each request, in order, written by the policy greedily and in batches."""
        shown = [self._shown(request.history) for request in requests]
        texts = [asked(window, request.query) for request, some in zip(requests, shown, strict=True) for window in some]
        written = dict(self.model.generate(texts, Sampling(self.settings.new_tokens)))
        replies = iter([written[number].text for number in range(len(texts))])
        return [self._answered(request.query, [next(replies) for _ in some]) for request, some in zip(requests, shown, strict=True)]

    def _shown(self, history: History) -> list[History]:
        count, budget = self.model.count_tokens, self.history_tokens
        return windows(history, count, budget) if self.read == "all" else [history[len(history) - fitting(history, count, budget) :]]

    def _answered(self, query: str, texts: Sequence[str]) -> Prompt:
        if self.read == "newest":
            return self._prompt(query, texts[0])
        replies = [parse(text, self.settings.profile) for text in texts]
        flaws = [reply.flaw or _lost(query, reply) for reply in replies]
        self.counts.update(flaw or "well-formed" for flaw in flaws)
        prompt, profile = together(query, replies)
        wrong = sorted({flaw for flaw in flaws if flaw})
        return Prompt(prompt, profile, notes=f"malformed: {', '.join(wrong)}" if wrong else "")

    def _prompt(self, query: str, text: str) -> Prompt:
        reply = parse(text, self.settings.profile)
        gone = _lost(query, reply)
        self.counts[reply.flaw or gone or "well-formed"] += 1
        if reply.prompt is None or gone is not None:
            return Prompt(query, reply.profile(), notes=f"fallback to the query: {gone or reply.flaw}")
        return Prompt(reply.prompt, reply.profile(), notes=f"malformed: {reply.flaw}" if reply.flaw else "")


def _lost(query: str, reply: Reply) -> str | None:
    """What of the query the reply's prompt lost, in words; None where it lost nothing, or where there is no prompt."""
    gone = lost(query, reply.prompt) if reply.prompt is not None else None
    return f"lost {gone}" if gone else None


def shipped() -> Path:
    """The trained adapter in the package."""
    from importlib.resources import files

    return Path(str(files("persona_atlas.ppopt"))) / "trained"


def load_policy(checkpoint: Path, engine: str, named: str) -> LanguageModel:
    """The policy on an engine: merged into a GGUF file for OpenVINO, elsewhere as an adapter beside its base, which is `named`. Raises ModelError."""
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    base = base_path(named, checkpoint)
    is_file = isinstance(base, Path) and base.suffix == ".gguf"
    if engine == "openvino":
        if not isinstance(base, Path) or not is_file:
            raise ModelError(f"OpenVINO runs GGUF files, and {checkpoint} was trained on {base}: pass engine=hf or engine=vllm.")
        return load_model("openvino", {"pretrained": str(merged(base, checkpoint / ADAPTER)), "cache_gb": 2})
    if engine == "vllm":
        return load_model("vllm", {"pretrained": str(base), "enable_lora": True, "max_lora_rank": 64, "lora_local_path": str(checkpoint)})
    place = {"pretrained": str(base.parent), "gguf_file": base.name} if isinstance(base, Path) and is_file else {"pretrained": str(base)}
    device = "cuda" if import_torch().cuda.is_available() else "cpu"
    return load_model("hf", {**place, "peft": str(checkpoint), "dtype": "float32", "device": device})
