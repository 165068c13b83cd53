"""Where things are kept that can be made again."""

import subprocess
import sys
from pathlib import Path

import pytest

from persona_atlas.folders import cache_folder


def test_the_cache_folder_is_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("~/.cache/persona-atlas")


def test_the_commands_keep_answers_where_the_environment_says() -> None:
    code = "from persona_atlas.console import CACHE; print(CACHE)"
    done = subprocess.run([sys.executable, "-c", code], env={"XDG_CACHE_HOME": "/kept"}, capture_output=True, text=True, check=True)
    assert done.stdout == "/kept/persona-atlas/answers.sqlite\n"
