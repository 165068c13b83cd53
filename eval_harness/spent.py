"""Costs that results.json leaves out, because it must follow from the samples alone: time per prompt, and `fit`'s use of the target.

Both are read from the run folder, where it is at hand: seconds from prompts.jsonl, `fit` from fit.json.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eval_harness.controls import KNOWN
from eval_harness.errors import EvalError
from eval_harness.runfolder import RunFolder, read_run


@dataclass(frozen=True)
class Spent:
    """`seconds`: the mean wall time of a clean prompt, as in Reply; None for a control, which takes none. `fit`: calls and tokens, None without."""

    seconds: float | None = None
    fit: Mapping[str, int] | None = None

    def __str__(self) -> str:
        """A sentence without its full stop; empty if nothing is known."""
        parts = [f"{self.seconds:.2f} s a prompt"] if self.seconds is not None else []
        if self.fit is not None:
            parts.append(f"{self.fit['calls']:,} calls of the target and {self.fit['tokens']:,} tokens to fit")
        return f"The optimizer took {', and '.join(parts)}" if parts else ""


def spent_in(path: Path, optimizer: str) -> Spent:
    """What the optimizer of the run in a folder took. Raises EvalError if a file there cannot be read."""
    return Spent(None if optimizer in KNOWN else _seconds(path, optimizer), read_fit(path))


def _seconds(path: Path, optimizer: str) -> float | None:
    if not (path / "prompts.jsonl").is_file():
        return None
    prompts = RunFolder(path, read_run(path)["config"]).prompts().values()
    taken = [prompt.seconds for prompt in prompts if (prompt.arm, prompt.condition) == (optimizer, "clean")]
    return sum(taken) / len(taken) if taken else None


def read_fit(path: Path) -> Mapping[str, int] | None:
    """What `fit` used of the target: `calls` and `tokens`. None if the folder has no fit.json. Raises EvalError if it cannot be read."""
    file = path / "fit.json"
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {key: int(found[key]) for key in ("calls", "tokens")}
    except (ValueError, LookupError, TypeError):
        raise EvalError(f"{file} does not say which calls and tokens `fit` took; remove it, or run it again in another folder") from None
