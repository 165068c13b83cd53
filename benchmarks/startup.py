"""How long the commands take to start: best and median of seven runs, in seconds.

python benchmarks/startup.py
"""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "import persona_atlas": "import persona_atlas",
    "atlas-eval --help": "import sys; sys.argv = ['atlas-eval', '--help']; from eval_harness.cli import main; main()",
    "atlas-generate --help": "import sys; sys.argv = ['atlas-generate', '--help']; from generation.cli import main; main()",
}


def seconds(code: str) -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def main() -> None:
    for name, code in COMMANDS.items():
        times = [seconds(code) for _ in range(7)]
        print(f"{name:<24} best {min(times):.2f} s, median {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main()
