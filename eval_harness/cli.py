"""The command `atlas-eval`: scores a personalized prompt optimizer on a frozen language model."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from persona_atlas import __version__
from persona_atlas.console import Command, check_distribution, fail, progress_line
from persona_atlas.records import SPLITS

if TYPE_CHECKING:
    from eval_harness.runner import Evaluation

LONGEST = 86_400.0
CACHE = Path("~/.cache/persona-atlas/answers.sqlite")


def option(name: str, **settings: Any) -> Any:
    """An option in lm-eval's spelling (`--model_args`) that takes dashes as well."""
    return click.option(*dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"]), name, **settings)


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@option(
    "optimizer",
    required=True,
    metavar="MODULE[:ATTR]",
    help="A module with optimize(request), here or installed; or a control: identity, history, majority, random_user, opposite_user, oracle.",
)
@option("optimizer_args", default="", metavar="K=V,…", help="Arguments for the optimizer.")
@option(
    "optimizer_timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True, metavar="SECONDS", help="Time for one prompt."
)
@option(
    "model", default="smol", show_default=True, help="The target: smol (embedded), scripted (simulated, for tests), openvino, or any lm-eval backend."
)
@option("model_args", default="", metavar="K=V,…", help="Arguments for the target, for example pretrained=FILE.gguf.")
@option("dataset", default="persona-atlas", show_default=True, metavar="DIR", help="A release: a folder, or owner/name on the Hub.")
@option("split", type=click.Choice(SPLITS), default="test", show_default=True, help="Whose items are asked.")
@option("conditions", default="clean", show_default=True, metavar="C,…", help="clean, surface (noise), history_0, history_2, history_all (= clean).")
@option("controls", default="identity,oracle", show_default=True, metavar="C,…", help="Rows beside the optimizer; identity always runs.")
@option("oracle_wording", type=click.IntRange(0, 3), default=0, show_default=True, help="Which of four instruction wordings the controls use.")
@option("limit", type=click.IntRange(min=1), default=None, metavar="USERS", help="Only the first so many users (not items).")
@option("max_gen_toks", type=click.IntRange(min=1), default=320, show_default=True, help="New tokens an answer may have.")
@option("seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of controls, optimizer and bootstrap.")
@option("use_cache", type=click.Path(path_type=Path), default=CACHE, show_default=True, help="Answers that are known are never generated again.")
@option(
    "output_path", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The run folder.  [default: runs/OPTIMIZER-MODEL-SPLIT-DIGEST]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.version_option(__version__, prog_name="atlas-eval")
def main(**given: Any) -> None:
    """Score a personalized prompt optimizer: how well does a frozen model answer as each user wants?

    \b
    atlas-eval --optimizer history                       a control on the embedded model
    atlas-eval --optimizer mymodule --model scripted     mymodule.py here defines optimize(request)
    """
    check_distribution("eval_harness")
    from eval_harness.errors import EvalError
    from persona_atlas.content import CatalogError
    from persona_atlas.data import DataError
    from persona_atlas.models import ModelError

    try:
        results, output = _evaluate(given)
    except (EvalError, DataError, ModelError, CatalogError) as error:
        fail(error)
    except KeyboardInterrupt:
        click.echo("\nStopped. What is finished is kept: run the same command again to go on.", err=True)
        sys.exit(130)
    if given["as_json"]:
        click.echo(json.dumps(results))
        return
    from rich.console import Console

    from eval_harness.report import print_results

    print_results(Console(), results, str(output))


def _evaluate(given: dict[str, Any]) -> tuple[dict[str, Any], Path]:
    from eval_harness.estimate import estimate
    from eval_harness.results import Plan, derive
    from eval_harness.runner import evaluate
    from persona_atlas import schema, shards
    from persona_atlas.models.cache import CachedModel
    from persona_atlas.randomness import digest
    from persona_atlas.records import canonical_json

    evaluation, config = _prepare(given)
    name = f"{evaluation.arm}-{given['model']}-{given['split']}-{digest(canonical_json(config))[:8]}".replace(":", ".")
    output = given["output_path"] or Path("runs") / name

    def announce(prompts: Any) -> None:
        assert isinstance(evaluation.model, CachedModel)
        manifest = evaluation.release.manifest
        click.echo(f"Release: {evaluation.release.source}, {manifest['config']['users']} users, digest {manifest['content_digest'][:16]}", err=True)
        for line in estimate(prompts, evaluation.model, given["model"], evaluation.sampling):
            click.echo(line, err=True)

    samples = evaluate(evaluation, output, config, announce, progress_line)
    plan = Plan(evaluation.arm, evaluation.arms(), evaluation.conditions, given["model"], evaluation.split, evaluation.seed)
    results = derive(plan, samples, evaluation.items, evaluation.release)
    schema.validate("results", results)
    shards.write_text(output / "results.json", json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    return results, output


def _prepare(given: dict[str, Any]) -> "tuple[Evaluation, dict[str, Any]]":
    """Everything that can be wrong with the flags is found here, before anything is written. Raises EvalError, DataError, ModelError."""
    from eval_harness.conditions import parse_conditions
    from eval_harness.controls import ARGUMENTS, CONTROLS
    from eval_harness.errors import EvalError, nearest
    from eval_harness.runner import Evaluation, choose_items
    from eval_harness.sandbox import OptimizerSpec
    from persona_atlas.data import load_dataset
    from persona_atlas.models import Sampling, load_model
    from persona_atlas.models.cache import CachedModel, ResponseCache

    conditions = parse_conditions(given["conditions"])
    controls = tuple(name.strip() for name in given["controls"].split(",") if name.strip())
    for name in controls:
        if name not in CONTROLS:
            raise nearest("control", name, CONTROLS)
    arguments = _arguments(given["optimizer_args"])
    if not given["optimizer_timeout"] <= LONGEST:  # nan too
        raise EvalError(f"--optimizer_timeout is {given['optimizer_timeout']:g}, wanted seconds up to {LONGEST:,}")
    control = given["optimizer"] in CONTROLS
    if control:
        _check_control_arguments(given["optimizer"], arguments)
    spec = None if control else OptimizerSpec.parse(given["optimizer"], arguments, given["optimizer_timeout"])
    release = load_dataset(given["dataset"])
    items = choose_items(release, given["split"], given["limit"])
    if not items:
        raise EvalError(f"the release has no items in split {given['split']}; choose another --split")
    model = CachedModel(load_model(given["model"], given["model_args"]), ResponseCache(given["use_cache"].expanduser()))
    evaluation = Evaluation(
        release=release,
        split=given["split"],
        items=items,
        conditions=conditions,
        arm=given["optimizer"],
        spec=spec,
        controls=controls,
        model=model,
        sampling=Sampling(max_gen_toks=given["max_gen_toks"]),
        seed=given["seed"],
        wording=given["oracle_wording"],
        history_tokens=arguments.get("max_tokens", ARGUMENTS["history"]["max_tokens"]) if control else ARGUMENTS["history"]["max_tokens"],
    )
    return evaluation, _config(given, evaluation, arguments)


def _arguments(text: str) -> dict[str, Any]:
    """`k=v,k=v`, values read as JSON where they are JSON, else as text. Raises EvalError."""
    from eval_harness.errors import EvalError

    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key.isidentifier():
            raise EvalError(f"--optimizer_args has {part!r}, wanted key=value pairs, for example checkpoint=DIR")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _check_control_arguments(control: str, arguments: dict[str, Any]) -> None:
    """Raise EvalError unless the control takes these arguments, and they are whole numbers from 1 on."""
    from eval_harness.controls import ARGUMENTS
    from eval_harness.errors import EvalError

    known = ARGUMENTS.get(control, {})
    for key, value in arguments.items():
        if key not in known:
            wanted = f"it takes {', '.join(known)}" if known else "leave it out"
            raise EvalError(f"the control {control} takes no --optimizer_args {key}; {wanted}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise EvalError(f"--optimizer_args has {key}={value}, wanted a whole number from 1 on")


def _config(given: dict[str, Any], evaluation: "Evaluation", arguments: dict[str, Any]) -> dict[str, Any]:
    """What run.json records and a resumed run must share."""
    from eval_harness.sandbox import source_digest
    from persona_atlas.records import SCHEMA_VERSION
    from persona_atlas.scoring import SCORER_VERSION

    return {
        "optimizer": evaluation.arm,
        "optimizer_args": arguments,
        "optimizer_digest": source_digest(evaluation.spec) if evaluation.spec else None,
        "optimizer_timeout": given["optimizer_timeout"],
        "model": given["model"],
        "model_args": given["model_args"],
        "model_fingerprint": evaluation.model.fingerprint,
        "max_gen_toks": given["max_gen_toks"],
        "dataset_digest": evaluation.release.manifest["content_digest"],
        "split": evaluation.split,
        "conditions": list(evaluation.conditions),
        "controls": list(evaluation.controls),
        "oracle_wording": evaluation.wording,
        "limit": given["limit"],
        "seed": evaluation.seed,
        "schema_version": SCHEMA_VERSION,
        "scorer_version": SCORER_VERSION,
        "persona_atlas": __version__,
    }
