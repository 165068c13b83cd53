"""Optimizers that take several requests at once: what comes of a batch is what would come of each request, whatever goes wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eval_harness import sandbox as harness
from eval_harness.errors import EvalError
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.replies import Reply
from eval_harness.sandbox import Sandbox
from persona_atlas.protocol import Request

BATCH = 5
TAKES_BATCHES = """
import os, time
from persona_atlas.protocol import ProfileEntry, Prompt

def optimize(request):
    if request.query == "bad":
        raise ValueError("alone")
    return f"alone: {request.query}"

def optimize_batch(requests, context):
    queries = [request.query for request in requests]
    if "raise" in queries: raise RuntimeError("no")
    if "exit" in queries: os._exit(3)
    if "hang" in queries: time.sleep(60)
    if "short" in queries: return ["one"]
    if "nothing" in queries: return None
    return [Prompt(f"{len(requests)} together: {query}", (ProfileEntry("length", "brief"),), "a note") if query != "odd" else 42 for query in queries]
"""


def requests(*queries: str) -> list[Request]:
    return [Request("user-1", (), query) for query in queries]


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setattr(harness, "BATCH", BATCH)
    (tmp_path / "batching.py").write_text(TAKES_BATCHES)
    with Sandbox(OptimizerSpec("batching", None, {}, str(tmp_path), 2.0), 0) as sandbox:
        sandbox.start()
        yield sandbox


def texts(replies: list[Reply]) -> list[str | None]:
    return [reply.text for reply in replies]


def test_a_batch_is_answered_in_order_with_profiles_and_notes(sandbox: Sandbox) -> None:
    first, second = sandbox.optimize_all(requests("a", "b"))
    assert texts([first, second]) == ["2 together: a", "2 together: b"]
    assert first.profile == ({"preference": "length", "value": "brief", "evidence": ""},)
    assert second.notes == "a note"


def test_many_requests_are_sent_in_batches_of_one_size(sandbox: Sandbox) -> None:
    replies = list(sandbox.optimize_all(requests(*map(str, range(BATCH + 3)))))
    assert texts(replies) == [f"{BATCH if i < BATCH else 3} together: {i}" for i in range(BATCH + 3)]


def test_a_bad_result_fails_by_itself(sandbox: Sandbox) -> None:
    good, odd = sandbox.optimize_all(requests("good", "odd"))
    assert good.text == "2 together: good"
    assert odd.failure == "wrong type: optimize returned int, wanted str or Prompt"


@pytest.mark.parametrize("fault", ["raise", "exit", "hang", "short", "nothing"])
def test_where_a_batch_comes_to_grief_each_request_is_asked_by_itself_from_then_on(sandbox: Sandbox, fault: str) -> None:
    replies = list(sandbox.optimize_all([*requests(fault, "bad", "good"), *requests(*map(str, range(BATCH)))]))
    assert texts(replies) == [f"alone: {fault}", None, "alone: good", *(f"alone: {i}" for i in range(BATCH))]
    assert replies[1].failure == "ValueError: alone"
    assert texts(list(sandbox.optimize_all(requests("a", "b")))) == ["alone: a", "alone: b"]


def test_batches_that_appear_only_in_a_later_process_are_used_there(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(f"""
import os
MARK = {str(tmp_path / "died")!r}
def optimize(request):
    open(MARK, "a").close(); os._exit(1)
if os.path.exists(MARK):
    def optimize_batch(requests):
        return [request.query for request in requests if os.path.getsize(MARK) == 0 or os._exit(1)]
""")
    with Sandbox(OptimizerSpec("late", None, {}, str(tmp_path), 5.0), 0) as sandbox:
        sandbox.start()
        assert texts(list(sandbox.optimize_all(requests("first")))) == [None]
        assert texts(list(sandbox.optimize_all(requests("second")))) == [None]
        assert sandbox.batches
        assert texts(list(sandbox.optimize_all(requests("third", "fourth")))) == ["third", "fourth"]


def test_a_batch_that_is_no_function_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "constant.py").write_text("optimize_batch = 3\ndef optimize(request): return request.query\n")
    with Sandbox(OptimizerSpec("constant", None, {}, str(tmp_path), 2.0), 0) as sandbox, pytest.raises(EvalError) as raised:
        sandbox.start()
    assert str(raised.value) == "constant: its optimize_batch is a int, wanted a function optimize_batch(requests, context)"
