"""Killed at any moment, the same command goes on, and comes to the same samples and results byte for byte.

That holds for the scripted target, which answers in the order in which it is asked, and whatever answers the cache held at the start.
"""

import os
import subprocess
import sys
from pathlib import Path

DRIVER = '''
import os, signal, sqlite3, sys
from pathlib import Path
from eval_harness import table
from eval_harness.cli import main
from eval_harness.runfolder import RunFolder
from persona_atlas.models import cache

release, folder = sys.argv[1], Path(sys.argv[2])
add, put = RunFolder._add, os.replace
CUT_LINE = '{"arm": "ora'
table.ROUNDS = 300
cache._KEYS_PER_QUERY = 3  # a resumed run divides its prompts otherwise, as it does in a run of thousands


def run(name):
    arguments = ["--optimizer", "history", "--model", "scripted", "--conditions", "clean,history_1", "--limit", "2", "--items_per_user", "2"]
    paths = ["--dataset", release, "--output_path", folder / name, "--use_cache", folder / f"{name}.sqlite"]
    main([*arguments, *map(str, paths)], standalone_mode=False)


def in_a_process(name, moment=None):
    """Run the command in a fork that kills itself at the moment: in the midst of a line, or before a file gets its name. Returns moments seen."""
    seen_by, seen = os.pipe()
    pid = os.fork()
    if pid == 0:
        number = -1

        def is_now():
            nonlocal number
            number += 1
            os.write(seen, b".")
            return number == moment

        def torn_add(self, name, record):
            if is_now():
                with (self.path / f"{name}.jsonl").open("a") as file:
                    file.write(CUT_LINE)
                os.kill(os.getpid(), signal.SIGKILL)
            add(self, name, record)

        def torn_put(*arguments):
            if is_now():
                os.kill(os.getpid(), signal.SIGKILL)
            put(*arguments)

        RunFolder._add, os.replace = torn_add, torn_put
        status = 1
        try:
            run(name)
            status = 0
        finally:
            os._exit(status)
    os.close(seen)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == (0 if moment is None else -signal.SIGKILL), f"{name}: status {code}"
    with open(seen_by, "rb") as file:
        return len(file.read())


def written(name):
    parts = ("samples.jsonl", "results.json", "report.html")
    return {file.name: file.read_bytes() for file in (folder / name).iterdir() if file.name in parts}


def with_all_answers(name):
    """Give a run that is not there yet a cache that holds all answers."""
    with sqlite3.connect(folder / "whole.sqlite") as full, sqlite3.connect(folder / f"{name}.sqlite") as copy:
        full.backup(copy)


run("first")  # what is loaded here is there in every fork
total = in_a_process("whole")
with_all_answers("whole-warm")
assert in_a_process("whole-warm") == total
moments = sorted({0, 1, 2, *range(0, total, 5), total - 3, total - 2, total - 1})
places = [("", moment) for moment in moments] + [("-warm", moment) for moment in range(total // 2, total, 7)]
for warmth, moment in places:
    name = f"killed-{moment}{warmth}"
    if warmth:
        with_all_answers(name)
    in_a_process(name, moment)
    kept = [(folder / name / f"{part}.jsonl") for part in ("prompts", "samples")]
    before = [path.read_text().removesuffix(CUT_LINE) if path.exists() else "" for path in kept]
    in_a_process(name)
    for path, start in zip(kept, before, strict=True):
        assert path.read_text().startswith(start), f"{name}: what was in {path.name} was done again"
    undisturbed = written(f"whole{warmth}")
    assert [part for part, found in written(name).items() if found != undisturbed[part]] == [], f"{name}: others than undisturbed"
print(len(moments), "of", total)
'''


def test_a_run_killed_at_any_moment_comes_to_the_same_results(release_path: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(release_path), str(tmp_path)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    moments, total = map(int, done.stdout.strip().splitlines()[-1].split(" of "))
    assert 10 < moments <= total
