"""Which optimizer a run is of: its module, its arguments, and the digest of its source."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_harness.adapters import ADAPTERS
from eval_harness.errors import EvalError
from persona_atlas import shards


@dataclass(frozen=True)
class OptimizerSpec:
    """What to load: MODULE[:ATTR], its arguments, where modules are looked for, and the seconds that one call may take."""

    module: str
    attribute: str | None
    arguments: dict[str, Any]
    path: str
    seconds: float

    @classmethod
    def parse(cls, text: str, arguments: dict[str, Any], seconds: float) -> "OptimizerSpec":
        """Read `MODULE[:ATTR]` or the name of an adapter; modules are looked for in the working directory too. Raises EvalError."""
        module, _, attribute = ADAPTERS.get(text, text).partition(":")
        if not module or not all(part.isidentifier() for part in module.split(".")):
            hint = f"; did you mean {module.removesuffix('.py')}?" if module.endswith(".py") else ""
            raise EvalError(f"--optimizer {text!r} is no module name, wanted MODULE or MODULE:ATTRIBUTE, for example mymodule{hint}")
        return cls(module, attribute or None, arguments, os.getcwd(), seconds)


def source_digest(spec: OptimizerSpec) -> str | None:
    """SHA-256 of the module's file, so that an edited optimizer is not taken for the old one; None where it is no file in the working directory."""
    stem = Path(spec.path, *spec.module.split("."))
    for file in (stem.with_suffix(".py"), stem / "__init__.py"):
        if file.is_file():
            return shards.file_sha256(file)
    return None
