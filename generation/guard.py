"""The one place where the commands of `atlas-generate` turn errors into one sentence and status 2."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from persona_atlas import console


class Command(console.Command):
    """A command that an expected error, or one of the disk, ends with one sentence."""

    def invoke(self, context: click.Context) -> Any:
        from generation.errors import GenerateError
        from persona_atlas.content import CatalogError
        from persona_atlas.data import DataError
        from persona_atlas.models import ModelError
        from persona_atlas.schema import SchemaError

        work = super().invoke
        return console.guarded(lambda: work(context), (GenerateError, CatalogError, DataError, ModelError, SchemaError))


class Group(console.Group):
    """A group of such commands."""

    command_class = Command


@contextmanager
def writing(path: Path, step: str = "give another --out") -> Iterator[None]:
    """End the command with one sentence, and `step` at its end, if `path` cannot be written."""
    try:
        yield
    except OSError as error:
        console.fail(f"{path} cannot be written ({error.strerror or error}); {step}")
