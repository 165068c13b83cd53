"""What all commands share: one-sentence errors with exit status 2, a progress line, and a check that `generation` and `eval_harness` are ours."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from persona_atlas.folders import cache_folder

Result = TypeVar("Result")
CACHE = cache_folder() / "answers.sqlite"
"""Where the commands cache the answers of language models by default."""
AT_ONCE = 128
"""How many conversations language models speak at the same time by default."""
STOPPED = "Stopped: run the same command again."


def fail(error: object) -> NoReturn:
    """Print one sentence and exit with status 2."""
    click.echo(f"Error: {error}", err=True)
    sys.exit(2)


def option(name: str, **settings: Any) -> Any:
    """A click option in lm-eval's spelling (`--model_args`) that can be typed with dashes as well (`--model-args`)."""
    return click.option(*dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"]), name, **settings)


def explicit(context: click.Context) -> set[str]:
    """The names of the parameters that were given, rather than left at their defaults."""
    return {name for name in context.params if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT}


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        fail(error.format_message())


def stopped(said: str = STOPPED) -> NoReturn:
    """Print one sentence and exit with status 130, as an interruption does."""
    click.echo(f"\n{said}", err=True)
    sys.exit(130)


def guarded(work: Callable[[], Result], errors: tuple[type[Exception], ...], said: str = STOPPED, shown: Callable[[str], str] = str) -> Result:
    """Return what `work` returns, and turn expected failures into a message and an exit status.

    One of `errors`, or an OSError, is printed as one sentence, after `shown` has rewritten it, with status 2. An interruption prints `said`, with
    status 130.
    """
    try:
        return work()
    except errors as error:
        fail(shown(str(error)))
    except BrokenPipeError:  # whoever read our output has gone: click ends the command quietly
        raise
    except OSError as error:
        fail(shown(blocked(error)))
    except KeyboardInterrupt:
        stopped(said)


def blocked(error: OSError) -> str:
    """Describe what the system refused, on which path, and what to do."""
    reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error.filename, str | bytes):
        return reason
    step = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that, or give another path"
    return f"{os.fsdecode(error.filename)} cannot be used ({reason}); {step}, and run the same command again"


class Command(click.Command):
    """A click command that reports wrong arguments as `fail` does, and exits with status 130 when it is interrupted."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            stopped()

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        with _one_sentence():
            return super().parse_args(context, arguments)


class Group(Command, click.Group):
    """A click group of such commands, which handles errors as they do."""

    command_class = Command

    def resolve_command(self, context: click.Context, arguments: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        with _one_sentence():
            return super().resolve_command(context, arguments)


def check_distribution(package: str) -> None:
    """Exit with status 2 unless the package that Python finds under the generic name `package` is ours, the one beside persona_atlas."""
    import persona_atlas

    ours = Path(persona_atlas.__file__).resolve().parent.parent / package
    spec = find_spec(package)
    found = Path(spec.origin).resolve().parent if spec and spec.origin else None
    if found != ours:
        fail(f"the package {package!r} that Python finds is {found}, not PersonaAtlas's ({ours}); run from another folder, or unset PYTHONPATH")


@contextmanager
def progress_line(unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that shows progress on standard error: a bar on a terminal, elsewhere a plain line at each tenth."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        with Progress(
            TextColumn(unit),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as bar:
            task = bar.add_task("")
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    last = [-1]

    def plain(done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth != last[0]:
            last[0] = tenth
            click.echo(f"{done}/{total} {unit}", err=True)

    yield plain
