"""PersonaAtlas: users with preferences that a program can check, and a benchmark for personalized prompt optimizers.

Open a release and read one item:

    import persona_atlas
    release = persona_atlas.load_dataset("persona-atlas")      # a folder here, a path, the small release in the package, or the Hub
    item = release.items("test")[0]
    persona_atlas.history(item, release)                       # the conversations before it, oldest first
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from persona_atlas.protocol import BudgetError, Context, Message, Optimizer, ProfileEntry, Prompt, Request, Score, TrainTask

if TYPE_CHECKING:
    from persona_atlas.data import Release, history, load_dataset

try:
    __version__ = version("persona-atlas")
except PackageNotFoundError:  # a source tree that is on the path without being installed
    __version__ = "0+source"

__all__ = [
    "BudgetError",
    "Context",
    "Message",
    "Optimizer",
    "ProfileEntry",
    "Prompt",
    "Release",
    "Request",
    "Score",
    "TrainTask",
    "__version__",
    "history",
    "load_dataset",
]


def __getattr__(name: str) -> Any:
    """Import the data functions on first use: they import pyarrow, which `--help` does not need."""
    if name in ("Release", "history", "load_dataset"):
        from persona_atlas import data

        return getattr(data, name)
    raise AttributeError(f"module 'persona_atlas' has no attribute {name!r}")
