"""`atlas-leaderboard push`: what is sent to the Hub, and what is said where it does not take it. The Hub is a stand-in on this machine."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from huggingface_hub import constants

from leaderboard.cli import main

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own
PUSH = "from leaderboard.cli import main; main()"
SPACE = "me/board"
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Hub:
    """The stand-in: what it was asked, and with which status it answers what begins so."""

    address: str = ""
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)
    there: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        for beginning, status in self.refuses.items():
            if path.startswith(beginning):
                return status, {"error": "no"}
        if path == "/api/repos/create":
            return 200, {"url": f"{self.address}/spaces/{SPACE}", "name": SPACE}
        if path.startswith(f"/api/spaces/{SPACE}/preupload/"):
            files = json.loads(body)["files"]
            return 200, {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None} for f in files]}
        if path.startswith(f"/api/spaces/{SPACE}/commit/"):
            return 200, {"commitUrl": f"{self.address}/spaces/{SPACE}/commit/1", "commitOid": "1" * 40}
        if path.startswith(f"/api/spaces/{SPACE}/tree/"):
            return 200, [{"type": "file", "path": name, "size": 1, "oid": "2" * 40} for name in self.there]
        if path.startswith(f"/api/spaces/{SPACE}"):
            return 200, {"id": SPACE, "sha": "1" * 40, "siblings": [{"rfilename": name} for name in self.there]}
        return 200, {}

    def committed(self) -> tuple[list[str], list[str]]:
        """The files of the commit, and those that it removes."""
        (body,) = [body for _, path, body in self.asked if "/commit/" in path]
        lines = [json.loads(line) for line in body.splitlines()]
        return [line["value"]["path"] for line in lines if line["key"] == "file"], [
            line["value"]["path"] for line in lines if line["key"] == "deletedFile"
        ]


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = found.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_HEAD = do_PUT = _any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "submissions" / "history").mkdir(parents=True)
    for name in ("index.html", "feed.json", "README.md", "submissions/history/0123456789abcdef.html"):
        (folder / name).write_text(f"This is {name}.\n")
    return folder


@pytest.fixture(autouse=True)
def nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client knows no token and no settings of this machine, and asks nobody but the Hub that it is told of."""
    for key in [key for key in os.environ if key.startswith(("HF_", "HUGGING"))]:
        monkeypatch.delenv(key)
    settings = {"HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_TELEMETRY": True, "HF_HUB_DISABLE_XET": True}
    for name, value in {**settings, "HF_TOKEN_PATH": str(tmp_path / "home" / "token")}.items():
        monkeypatch.setattr(constants, name, value)


def push(site: Path, hub: Hub | None, *more: str, token: str | None = "hf_secret") -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", hub.address if hub else NOWHERE)
        return CliRunner().invoke(main, ["push", "--repo-id", SPACE, "--site", str(site), *more], env={"HF_TOKEN": token})


def wrong(done: Result, said: str) -> None:
    assert done.exit_code == 2, done.output
    errors = [line for line in done.stderr.strip().splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, done.stderr
    assert said in errors[0]
    assert "hf_secret" not in done.stdout + done.stderr


def test_the_site_goes_into_a_static_space_in_one_commit(hub: Hub, site: Path) -> None:
    """In a process of its own, which has the Hub and the token from its environment."""
    hub.there = ["submissions/history/ffffffffffffffff.html", "NOTES.md"]
    told = {"HF_HOME": str(site.parent / "home"), "HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_secret"}
    told |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
    arguments = [sys.executable, "-c", PUSH, "push", "--repo-id", SPACE, "--site", str(site), "--private"]
    done = subprocess.run(arguments, env={**os.environ, **told}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{hub.address}/spaces/{SPACE}" in done.stdout
    (made,) = [json.loads(body) for _, path, body in hub.asked if path == "/api/repos/create"]
    assert made["type"] == "space"
    assert made["sdk"] == "static"
    assert made.get("private", made.get("visibility") == "private")
    sent, removed = hub.committed()
    assert sorted(sent) == ["README.md", "feed.json", "index.html", "submissions/history/0123456789abcdef.html"]
    assert removed == ["submissions/history/ffffffffffffffff.html"]


def test_a_dry_run_lists_files_and_sizes_and_sends_nothing(hub: Hub, site: Path) -> None:
    done = push(site, hub, "--dry_run", token=None)
    assert done.exit_code == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()[:2]] == [["19", "README.md"], ["19", "feed.json"]]
    assert "bytes in 4 files would go to the Space me/board; nothing was published" in done.stdout
    assert hub.asked == []


@pytest.mark.parametrize(
    ("refuses", "said"),
    [
        ({"/api/": 401}, "the Hub does not know the token (401); set HF_TOKEN"),
        ({"/api/": 403}, "the token may not write to me/board (403)"),
        ({"/api/spaces/me/board/commit": 409}, "somebody else changed me/board at the same time"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(refuses: dict[str, int], said: str, hub: Hub, site: Path) -> None:
    hub.refuses = refuses
    wrong(push(site, hub), said)


def test_a_hub_that_cannot_be_reached_is_one_sentence(site: Path) -> None:
    wrong(push(site, None), "the Hub cannot be reached")


def test_without_a_token_nothing_is_asked(hub: Hub, site: Path) -> None:
    wrong(push(site, hub, token=None), "there is no token for the Hub; set HF_TOKEN")
    assert hub.asked == []


def test_wrong_use_is_one_sentence_and_status_2(site: Path, tmp_path: Path) -> None:
    wrong(push(tmp_path, None), "it is no site; make one with atlas-leaderboard build")
    wrong(push(site, None, "--repo-id", "board"), "wanted OWNER/NAME")
