"""The command `atlas-eval`: scores a personalized prompt optimizer on a frozen language model."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval_harness import cli_optimizers, cli_runs, cli_submit, cli_wordings
from eval_harness.errors import guarded
from persona_atlas import __version__
from persona_atlas.console import CACHE, Group, check_distribution, explicit, fail, option, progress_line
from persona_atlas.records import SPLITS

if TYPE_CHECKING:
    from eval_harness.gate import Verdict
    from eval_harness.runner import Evaluation


@click.group(cls=Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@option(
    "optimizer",
    default=None,
    metavar="MODULE[:ATTR]",
    help="A module with optimize(request), here or installed; a control (identity, history, oracle …), an adapter (gepa, dspy …), or all-controls.",
)
@option("optimizer_args", default="", metavar="K=V,…", help="Arguments for the optimizer.")
@cli_optimizers.timeout_option
@cli_optimizers.calls_option("How often the optimizer may ask the target itself, fitting included.")
@option(
    "model",
    default="smol",
    show_default=True,
    help="The target: smol or smol-steerable (embedded), scripted (simulated, for tests), openvino, or any lm-eval backend.",
)
@option("model_args", default="", metavar="K=V,…", help="Arguments for the target, for example pretrained=FILE.gguf.")
@option(
    "dataset",
    default="persona-atlas",
    show_default=True,
    metavar="DIR",
    help="A release: a folder, or owner/name on the Hub; without a folder persona-atlas, the package's small one.",
)
@option("split", type=click.Choice(SPLITS), default="test", show_default=True, help="Whose items are asked.")
@option("suite", default=None, metavar="quick|core|full", help="Conditions, users, items and answer length together; single flags change them.")
@option(
    "conditions",
    default="clean",
    show_default=True,
    metavar="C,…",
    help="clean; surface, incomplete, ambiguous (also _light, _heavy); history_0, 1, 2, 4, all; history_reveals_50, _25; history_noise_25, _50.",
)
@option("controls", default="identity,oracle", show_default=True, metavar="C,…", help="Rows beside the optimizer; identity always runs.")
@option("oracle_wording", type=click.IntRange(0, 3), default=0, show_default=True, help="Which of four instruction wordings the controls use.")
@option("limit", type=click.IntRange(min=1), default=None, metavar="USERS", help="Only the first so many users (not items).")
@option(
    "items_per_user", type=click.IntRange(min=1), default=None, metavar="ITEMS", help="Only the first so many items of each user.  [default: all]"
)
@option(
    "repeats",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="Answers to a tenth of the items, to tell the target's own spread.",
)
@option(
    "max_gen_toks", type=click.IntRange(min=1), default=320, show_default=True,
    help="New tokens an answer may have; 1024 in a suite, too, for a target that says much.",
)  # fmt: skip
@option("seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of controls, optimizer and bootstrap.")
@option("use_cache", type=click.Path(path_type=Path), default=CACHE, show_default=True, help="Answers that are known are never generated again.")
@option(
    "prompts_of", type=click.Path(path_type=Path), default=None, metavar="RUN",
    help="A run of the same optimizer on another target, whose prompts are taken over.",
)  # fmt: skip
@option(
    "output_path", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The run folder.  [default: runs/OPTIMIZER-MODEL-SPLIT-DIGEST]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.version_option(__version__, prog_name="atlas-eval")
@click.pass_context
def main(context: click.Context, /, **given: Any) -> None:
    """Score a personalized prompt optimizer: how well does a frozen model answer as each user wants?

    \b
    atlas-eval --optimizer history                       a control on the embedded model
    atlas-eval --optimizer mymodule --model scripted     mymodule.py here defines optimize(request)
    """
    check_distribution("eval_harness")
    if context.invoked_subcommand is not None:
        return
    if given["optimizer"] is None:
        fail("Missing option '--optimizer': name a module with optimize(request), or a control such as history.")
    results, output = guarded(lambda: _evaluate(given, explicit(context)))
    if given["as_json"]:
        click.echo(json.dumps(results))
        return
    from rich.console import Console

    from eval_harness.report import print_results

    print_results(Console(emoji=False), results, str(output))


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@option("model", default="scripted", show_default=True, help="The target: scripted (simulated, seconds), smol, openvino, or any lm-eval backend.")
@option("model_args", default="", metavar="K=V,…", help="Arguments for the target, for example pretrained=FILE.gguf.")
@option("split", type=click.Choice(SPLITS), default="test", show_default=True, help="Whose items are asked.")
@option("limit", type=click.IntRange(min=1), default=None, metavar="USERS", help="Only the first so many users (not items).")
@option("items_per_user", type=click.IntRange(min=1), default=None, help="Only the first so many items of each user.  [default: all]")
@option("oracle_wording", type=click.IntRange(0, 3), default=0, show_default=True, help="Which of four instruction wordings the controls use.")
@option("history_tokens", type=click.IntRange(min=1), default=2000, show_default=True, help="Tokens of another user's history that `masked` shows.")
@option("max_gen_toks", type=click.IntRange(min=1), default=320, show_default=True, help="New tokens an answer may have.")
@option("seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of controls and bootstrap.")
@option("use_cache", type=click.Path(path_type=Path), default=CACHE, show_default=True, help="Answers that are known are never generated again.")
@option("output_path", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The run folder.  [default: runs/gate-MODEL-SPLIT-DIGEST]")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def gate(**given: Any) -> None:
    """Can the benchmark be gamed? Holds policies that do not know the user, and attackers, against the orders that must hold.

    Writes the verdict into the run folder, and into DIRECTORY/gate.json if it is on the split test, in the wording that was chosen for its target,
    and on no fewer items than the one there; status 1 where an order does not hold.
    """
    verdict, where = guarded(lambda: _judge(given))
    if given["as_json"]:
        click.echo(
            json.dumps({"target": verdict.target, "passed": verdict.passed, "rows": verdict.rows, "checks": [asdict(c) for c in verdict.checks]})
        )
    else:
        from rich.console import Console

        from eval_harness.report import print_verdict

        print_verdict(Console(emoji=False), verdict, str(where))
    if not verdict.passed:
        sys.exit(1)


def _judge(given: dict[str, Any]) -> "tuple[Verdict, Path]":
    from eval_harness import gate as gating
    from eval_harness.prepare import prepare
    from eval_harness.runner import evaluate
    from persona_atlas.data import DataError, load_dataset

    directory = given["directory"]
    if not directory.is_dir():
        raise DataError(
            f"there is no folder {str(directory)!r}; give a release folder, or build one: atlas-generate build --users 100 --seed 0 --out {directory}"
        )
    gating.check_own(load_dataset(str(directory)))
    asked = {
        "optimizer": "oracle",
        "optimizer_args": "",
        "optimizer_timeout": 30.0,
        "optimizer_calls": 0,
        "prompts_of": None,
        "repeats": 1,
        "conditions": "clean",
        "controls": ",".join(gating.ARMS),
    }
    evaluation, config = prepare({**given, **asked, "dataset": str(directory)})
    evaluation = gating.gate_of(evaluation, given["history_tokens"])
    config = {**config, "gate": True, "history_tokens": given["history_tokens"]}
    output = given["output_path"] or Path("runs") / _folder_name("gate", given, config)
    samples = evaluate(evaluation, output, config, _announcer(evaluation, given, output), progress_line)
    verdict = gating.judge(given["model"], samples, evaluation.items, evaluation.release, evaluation)
    made_of = evaluation.release.manifest["content_digest"], evaluation.model.fingerprint
    gating.write_verdict(output, *made_of, verdict)
    if aside := gating.set_aside(directory, evaluation, verdict):
        click.echo(aside, err=True)
        return verdict, output / gating.FILE
    return verdict, gating.write_verdict(directory, *made_of, verdict)


def _folder_name(arm: str, given: dict[str, Any], config: dict[str, Any]) -> str:
    from persona_atlas.randomness import digest
    from persona_atlas.records import canonical_json

    return f"{arm}-{given['model']}-{given['split']}-{digest(canonical_json(config))[:8]}".replace(":", ".")


def _announcer(evaluation: "Evaluation", given: dict[str, Any], output: Path) -> Callable[[Any], None]:
    """A function that is given the prompts and prints what the run in the folder `output` will cost."""
    from eval_harness.estimate import estimate, noted
    from eval_harness.runfolder import read_samples

    def announce(prompts: Any) -> None:
        manifest = evaluation.release.manifest
        click.echo(f"Release: {evaluation.release.source}, {manifest['config']['users']} users, digest {manifest['content_digest'][:16]}", err=True)
        there = [*read_samples(output), *read_samples(output, "repeats")]
        finished = {sample.key for sample in there if sample.finish_reason != "error"}
        for line in [*noted(prompts), *estimate(prompts, evaluation, given["model"], finished)]:
            click.echo(line, err=True)

    return announce


def _evaluate(given: dict[str, Any], typed: set[str]) -> tuple[dict[str, Any], Path]:
    from eval_harness.finished import open_run
    from eval_harness.optimizer_spec import not_looked_at
    from eval_harness.page import write_results
    from eval_harness.prepare import prepare
    from eval_harness.results import derive
    from eval_harness.runner import evaluate
    from eval_harness.suites import with_suite

    given = with_suite(given, typed)
    evaluation, config = prepare(given)
    for argument in not_looked_at(evaluation.spec) if evaluation.spec else ():
        click.echo(f"The argument {argument} holds the working folder: what changes in it does not make another run.", err=True)
    output = given["output_path"] or Path("runs") / _folder_name(evaluation.arm, given, config)
    samples = evaluate(evaluation, output, config, _announcer(evaluation, given, output), progress_line)
    run = open_run(output)
    results = derive(run.plan, samples, evaluation.items, evaluation.release, run.repeats)
    write_results(run, evaluation.release, results)
    return results, output


for command in (*cli_runs.COMMANDS, *cli_optimizers.COMMANDS, *cli_submit.COMMANDS, *cli_wordings.COMMANDS):
    main.add_command(command)
