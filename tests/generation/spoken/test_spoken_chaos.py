"""A spoken build that is killed again and again: the same command goes on, and no finished answer is asked for again."""

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from generation.build import Config, build
from generation.verify import verify
from persona_atlas.data import DataError, Release, open_release
from persona_atlas.records import SPLITS

DRIVER = Path(__file__).with_name("chaos_driver.py")
SEED = 5


def answered(cache: Path) -> set[str]:
    """The keys of the answers that are kept."""
    if not cache.exists():
        return set()
    with closing(sqlite3.connect(f"file:{cache}?mode=ro", uri=True, timeout=30)) as database:
        if not database.execute("select 1 from sqlite_master where name = 'answers'").fetchall():
            return set()
        return {str(key) for (key,) in database.execute("select key from answers")}


def ids(release: Release) -> list[tuple[str, str]]:
    return [(split, one.conversation_id) for split in SPLITS for one in [*release.conversations(split), *release.history_noise(split)]]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "users", "kills"), [("rewording", 10, 2), ("smol", 10, 12)])
def test_no_finished_answer_is_asked_for_again(model: str, users: int, kills: int, tmp_path: Path) -> None:
    out, cache, log, draw = tmp_path / "out", tmp_path / "answers.sqlite", tmp_path / "asked", random.Random(0)
    command = [sys.executable, str(DRIVER), str(log), "build", "--users", str(users), "--seed", str(SEED), "--out", str(out)]
    command += ["--engine", "lm", "--model", model, "--at_once", "16" if model == "rewording" else "64", "--use_cache", str(cache)]
    for _ in range(kills):
        finished = answered(cache)
        log.write_text("", encoding="utf-8")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 120
            while len(answered(cache)) <= len(finished):
                assert time.monotonic() < deadline, "it does not get on"
                assert process.poll() is None, "it ended before it was killed"
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 0.1 if model == "rewording" else 2))
            process.kill()
        assert process.returncode == -9
        assert not finished & set(log.read_text(encoding="utf-8").split())
        with pytest.raises(DataError, match="did not finish"):
            open_release(out, "the tests")
    finished = answered(cache)
    log.write_text("", encoding="utf-8")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=3600)
    assert not finished & set(log.read_text(encoding="utf-8").split())

    build(Config(users, SEED), tmp_path / "scripted", 1, lambda done, total: None)
    release = open_release(out, "the tests")
    assert ids(release) == ids(open_release(tmp_path / "scripted", "the tests"))
    assert verify(release, 1, lambda done, total: None).problems == []
