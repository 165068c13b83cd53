"""A build through a server that fails every other time, in every way: it ends, complete and true, with the failures counted by reason."""

import json
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generation.build import Config, build
from generation.spoken.acceptance import provenance
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech
from generation.verify import verify
from persona_atlas.data import open_release
from persona_atlas.models import load_model
from persona_atlas.models.protocol import Generation, ModelError, Sampling
from persona_atlas.models.stream import Stream, open_stream

TROUBLES = ("slow", "429", "500", "invalid", "empty", "truncated", "drop")
TIMEOUT = 1
DOOMED = 25
AT_ONCE = 16
SLOW = 1.2
"""Seconds that a slow answer takes: longer than anybody waits for it."""


class FaultServer(ThreadingHTTPServer):
    """Has each trouble with a tenth of the requests, by a checksum of the request and of how often it came, and never answers one in DOOMED.

    `patience`: how many seconds a request waits until three were there at once; `pause`: how many each takes from then on.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.down = False
        self.at_once = self.most_at_once = 0
        self.three = threading.Event()
        self.patience = self.pause = 0.0

    def trouble(self, request: str) -> str:
        with self.lock:
            self.seen[request] += 1
            number = zlib.crc32(f"{request} {self.seen[request]}".encode()) % 10
            doomed = self.down or zlib.crc32(request.encode()) % DOOMED == 0
            trouble = "500" if doomed else TROUBLES[number] if number < len(TROUBLES) else ""
            self.troubles[trouble] += 1
        return trouble

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts a request among those that are answered at once."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            if self.at_once == 3:
                self.three.set()
        yield
        with self.lock:
            self.at_once -= 1


class Handler(BaseHTTPRequestHandler):
    server: FaultServer

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        trouble = self.server.trouble(request)
        if trouble == "slow":
            time.sleep(SLOW)
            return self.connection.close()
        with self.server.counted():
            self.server.three.wait(self.server.patience)
            time.sleep(self.server.pause)
            self.answered(request, trouble)

    def answered(self, request: str, trouble: str) -> None:
        prompt = json.loads(request)["messages"][-1]["content"]
        body = json.dumps({"choices": [{"index": 0, "message": {"content": answer(prompt)}, "finish_reason": "stop"}]})
        match trouble:
            case "429" | "500":
                return self.reply(int(trouble), '{"error": {"message": "busy"}}')
            case "invalid":
                body = "<html>"
            case "empty":
                body = json.dumps({"choices": []})
            case "truncated":
                body = body[: len(body) // 2]
            case "drop":
                return self.connection.close()
        self.reply(200, body)

    def reply(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


def answer(prompt: str) -> str:
    if "Write this in slightly different words" in prompt:
        return "well then, you see, " + prompt.rpartition("\n\n")[2]
    return "It is about this: " + " ".join(prompt.replace(":", " ").split()[:60])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    monkeypatch.setattr("persona_atlas.models.server.LONGEST_WAIT", 0.01)
    server = FaultServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def drained(stream: Stream) -> dict[int, Generation]:
    found: dict[int, Generation] = {}
    while answers := stream.finished():
        found.update(answers)
    return found


def arguments(server: FaultServer, tries: int) -> str:
    url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    return f"base_url={url},model=faulty,num_concurrent={AT_ONCE},max_retries={tries},timeout={TIMEOUT}"


@pytest.mark.slow
def test_the_build_ends_complete_with_counts_by_reason(server: FaultServer, tmp_path: Path) -> None:
    voice = Voice("local-chat-completions", arguments(server, 5))
    speech = Speech(Cast(voice, voice, (voice,)), tmp_path / "answers.sqlite", 64)
    manifest = build(Config(10, 3, speech), tmp_path / "out", 1, lambda done, total: None)
    assert all(server.troubles[trouble] > 20 for trouble in TROUBLES)
    assert manifest["failures"]["user: error"] > 10
    assert manifest["failures"]["assistant: error"] > 3
    assert manifest["config"]["cast"]["user"] == "local-chat-completions faulty"
    assert server.most_at_once <= AT_ONCE
    release = open_release(tmp_path / "out", "here")
    assert provenance(release)["user"]["after_retries"] > 0.2
    assert verify(release, 1, lambda done, total: None).problems == []


def test_requests_go_side_by_side_and_come_back_by_number(server: FaultServer) -> None:
    server.patience, server.pause = 0.8 * TIMEOUT, 0.05
    stream = open_stream(load_model("local-chat-completions", arguments(server, 20)))
    for number in range(40):
        stream.submit(number, f"Question {number} about tea", Sampling(20, seed=number))
    found = drained(stream)
    stream.close()
    answered = {number: one.text for number, one in found.items() if one.finish_reason == "stop"}
    assert answered == {number: f"It is about this: Question {number} about tea" for number in answered}
    assert len(answered) > 30
    assert 2 < server.most_at_once <= AT_ONCE
    assert {json.loads(request)["seed"] for request in server.seen} == set(range(40))


def test_a_server_that_is_gone_stops_the_stream(server: FaultServer) -> None:
    server.down = True
    stream = open_stream(load_model("local-chat-completions", arguments(server, 2)))
    for number in range(20):
        stream.submit(number, f"Question {number}", Sampling(20))
    with pytest.raises(ModelError, match=f"answered none of its first {AT_ONCE} prompts"):
        drained(stream)
    stream.close()
