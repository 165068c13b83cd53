"""The commands of `atlas-eval` for those who write an optimizer, or score a bare model with lm-eval: new-optimizer, validate, task-path."""

import keyword
import shlex
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from eval_harness.errors import EvalError, guarded
from persona_atlas.console import Command, option
from persona_atlas.short import short

TRIED = 3

timeout_option = option(
    "optimizer_timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True, metavar="SECONDS", help="Time for one prompt."
)


def calls_option(says: str) -> Any:
    """The option `--optimizer_calls`, with the help text for the command that takes it."""
    return option("optimizer_calls", type=click.IntRange(min=0), default=0, show_default=True, metavar="CALLS", help=says)


@click.command("new-optimizer", cls=Command)
@click.argument("name")
def new_optimizer(name: str) -> None:
    """Write NAME.py here: an optimizer with comments, to start from."""

    from eval_harness.optimizer_spec import elsewhere
    from eval_harness.prepare import shipped

    def work() -> Path:
        module = name.removesuffix(".py")
        if not module.isidentifier():
            raise EvalError(f"{name!r} is no module name: use letters, digits and underscores, for example my_optimizer")
        if keyword.iskeyword(module) or module in sys.stdlib_module_names:
            raise EvalError(f"{name!r} is a name of Python's own; give another one, for example my_{module}")
        if module in shipped():
            raise EvalError(f"{name!r} is what ships with PersonaAtlas under that name; give another one, for example my_{module}")
        if elsewhere(Path.cwd(), module):
            raise EvalError(f"{name!r} is a module that is installed, and would be taken in its place; give another one, for example my_{module}")
        path = Path(f"{module}.py")
        for place in (path, Path(module)):
            if place.exists():
                raise EvalError(f"{place} is there already; give another name")
        path.write_text(files("eval_harness").joinpath("optimizer_template.py").read_text(encoding="utf-8"), encoding="utf-8")
        return path

    path = guarded(work)
    click.echo(f"Wrote {path}. Try it: atlas-eval validate {path.stem}, then atlas-eval --optimizer {path.stem} --model scripted")


@click.command(cls=Command)
@click.argument("module")
@option("optimizer_args", default="", metavar="K=V,…", help="Arguments for the optimizer.")
@timeout_option
@calls_option("How often it may ask the simulated target, fitting included.")
@option("dataset", default="persona-atlas", show_default=True, metavar="DIR", help="The release whose train items are shown.")
def validate(module: str, optimizer_args: str, optimizer_timeout: float, optimizer_calls: int, dataset: str) -> None:
    """Check that MODULE[:ATTR] works as an optimizer: fit it if it can, give it a few train items, print what it returns.

    The target is the simulated one, `scripted`. Status 1 if a request fails.
    """
    from eval_harness.adapters import NEEDED

    if guarded(lambda: _ships(module, optimizer_args)):
        flags = f" --optimizer_calls {optimizer_calls}" if optimizer_calls else NEEDED.get(module, "")
        click.echo(f"{module} ships with PersonaAtlas and needs no validation. Score it: atlas-eval --optimizer {module}{flags}")
        return
    tried, failures = guarded(lambda: _tried(module, optimizer_args, optimizer_timeout, optimizer_calls, dataset))
    if failures:
        click.echo(f"{failures} of {tried} requests failed.")
        sys.exit(1)
    flags = "".join(
        f" --{name} {shlex.quote(str(value))}" for name, value in (("optimizer_args", optimizer_args), ("optimizer_calls", optimizer_calls)) if value
    )
    click.echo(f"{f'All {tried} requests' if tried > 1 else 'The request'} came back. Score it: atlas-eval --optimizer {module}{flags}")


def _ships(name: str, arguments: str) -> bool:
    """Whether the name is that of a control, or of an adapter without arguments: with arguments, such as a checkpoint, an adapter is tried.

    Raises EvalError if the working directory holds a module of the same name as a control or adapter.
    """
    from eval_harness.adapters import ADAPTERS
    from eval_harness.prepare import check_shadowed, shipped

    if name not in shipped():
        return False
    check_shadowed(name)
    return name not in ADAPTERS or not arguments


def _tried(module: str, arguments: str, seconds: float, calls: int, dataset: str) -> tuple[int, int]:
    """How many requests were tried and how many of them failed; each is reported as it is tried. Raises EvalError, also if `fit` fails."""
    from eval_harness.metered import Meter, train_items
    from eval_harness.optimizer_spec import OptimizerSpec, check_seconds
    from eval_harness.prepare import read_arguments
    from eval_harness.sandbox import Sandbox
    from persona_atlas.data import history, load_dataset, messages
    from persona_atlas.models import Sampling, load_model
    from persona_atlas.protocol import Request

    check_seconds(seconds)
    spec, release = OptimizerSpec.parse(module, read_arguments(arguments), seconds), load_dataset(dataset)
    items = sorted(release.items("train"), key=lambda item: item.item_id)[:TRIED]
    if not items:
        raise EvalError("the release has no train items to show; give another one with --dataset")
    meter, failures = Meter(load_model("scripted"), Sampling(), calls, release, train_items(release, 0)), 0
    with Sandbox(spec, 0, meter) as sandbox:
        sandbox.start()
        if sandbox.fits:
            click.echo(f"It was fitted on {len(meter.items)} train items with {sandbox.fit_usage.calls} of {calls} calls.")
        requests = [Request(f"user-{number}", messages(history(item, release)), item.query) for number, item in enumerate(items, 1)]
        for number, (item, reply) in enumerate(zip(items, sandbox.optimize_all(requests), strict=True), 1):
            failures += reply.text is None
            click.echo(f"{number}. {len(item.history)} conversations, query: {_line(item.query)}")
            click.echo(f"   {'failed: ' + str(reply.failure) if reply.text is None else 'prompt: ' + _line(reply.text)}")
            click.echo(f"   {reply.seconds:.2f} s, {len(reply.profile)} profile entries")
        if sandbox.log:
            click.echo(f"It printed:\n{bytes(sandbox.log).decode(errors='replace').rstrip()}")
        if sandbox.batchless:
            raise EvalError(f"its optimize_batch failed: {sandbox.batchless}; mend it, or leave it out: requests then go to optimize one at a time")
    return len(items), failures


def _line(text: str) -> str:
    return short(" ".join(text.split()), 100)


@click.command("task-path", cls=Command)
def task_path() -> None:
    """Print the folder of the task for lm-eval.

    \b
    lm_eval run --tasks persona_atlas --include_path $(atlas-eval task-path) --model hf --model_args pretrained=MODEL --apply_chat_template

    lm-eval does not tell a task whether an answer was cut off. Such answers are scored as they stand there, and score 0 in atlas-eval.
    """
    click.echo(str(files("eval_harness").joinpath("lmeval_task")))


COMMANDS = (new_optimizer, validate, task_path)
