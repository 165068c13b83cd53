"""The controls on a target, as a table that shows what is a fault of the benchmark and what is not.

    python benchmarks/controls.py --users 200                                   the simulated target `scripted`
    python benchmarks/controls.py --users 60 --model openvino --model_args pretrained=FILE.gguf --controls identity,oracle

`--users` is the number of test users. A release that has so many is built first if there is none.
"""

import subprocess
import sys
from pathlib import Path

import click

from generation.build import DATASET_VERSION
from persona_atlas import __version__
from persona_atlas.randomness import digest
from persona_atlas.records import SCHEMA_VERSION
from persona_atlas.scoring import SCORER_VERSION

BENCH = Path(f"build/bench/{DATASET_VERSION}-{SCHEMA_VERSION}-{SCORER_VERSION}-{__version__}")
"""Where scripts keep the releases and runs that they make. With other versions of data, schema, scorer or package they are made anew."""


def release(users: int) -> Path:
    """A release with at least `users` test users, built once per version."""
    total = -(-users * 10 // 3)
    out = BENCH / f"persona-atlas-{total}"
    if not (out / "manifest.json").is_file():
        out.parent.mkdir(parents=True, exist_ok=True)
        script = "from generation.cli import main; main()"
        subprocess.run([sys.executable, "-c", script, "build", "--users", str(total), "--out", str(out)], check=True)
    return out


@click.command()
@click.option("--users", default=200, show_default=True)
@click.option("--model", default="scripted", show_default=True)
@click.option("--model_args", default="")
@click.option("--optimizer", default="history", show_default=True)
@click.option("--controls", default="identity,majority,random_user,opposite_user,oracle", show_default=True)
@click.option("--conditions", default="clean", show_default=True)
def main(users: int, model: str, model_args: str, optimizer: str, controls: str, conditions: str) -> None:
    script = "from eval_harness.cli import main; main()"
    arguments = ["--optimizer", optimizer, "--model", model, "--model_args", model_args, "--controls", controls, "--conditions", conditions]
    arguments += ["--dataset", str(release(users)), "--limit", str(users)]
    out = BENCH / f"{optimizer}-{model}-{users}-{digest(' '.join(arguments))[:8]}"
    sys.exit(subprocess.run([sys.executable, "-c", script, *arguments, "--output_path", str(out)], check=False).returncode)


if __name__ == "__main__":
    main()
