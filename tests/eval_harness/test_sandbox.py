"""The sandbox: whatever an optimizer does becomes a Reply with its reason, and the next request is answered."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from eval_harness import sandbox as harness
from eval_harness.errors import EvalError
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.process import LOG_BYTES
from eval_harness.replies import Reply, is_said
from eval_harness.sandbox import Sandbox
from persona_atlas.protocol import Message, Request

NAUGHTY = """
import os, signal, sys, threading, time
from persona_atlas.protocol import ProfileEntry, Prompt

class Odd(Exception):
    def __str__(self):
        return "half a pair: \\ud83d\\nand a second line"

def optimize(request):
    behaviour = globals().get(request.query)
    return behaviour() if behaviour else f"better: {request.query}"

def raises(): raise ValueError("no luck today\\nwith a second line")
def raises_oddly(): raise Odd
def exits(): sys.exit(3)
def exits_at_once(): os._exit(4)
def interrupts(): raise KeyboardInterrupt
def dies(): os.kill(os.getpid(), signal.SIGSEGV)
def dies_of_a_real_time_signal(): os.kill(os.getpid(), signal.SIGRTMIN + 6)
def stops(): os.kill(os.getpid(), signal.SIGSTOP)
def hangs(): time.sleep(60)
def hangs_in_c(): (10 ** 10_000_000) ** 100
def returns_none(): return None
def returns_an_int(): return 42
def returns_bytes(): return b"bytes"
def returns_a_coroutine():
    async def later(): return "text"
    found = later(); found.close(); return found
def returns_a_prompt_of_bytes(): return Prompt(b"bytes")
def returns_blanks(): return " \\n"
def returns_10_mb(): return "word " * 2_000_000
def returns_100_000_characters(): return "x" * 100_000
def returns_half_a_pair(): return "smile: \\ud83d"
def returns_half_a_pair_and_an_emoji(): return "smile: \\ud83d \\U0001F600"
def returns_a_false_profile(): return Prompt("text", profile=("not an entry",))
def returns_a_huge_profile(): return Prompt("text", profile=(ProfileEntry("length", "brief", "x" * 10_000_000),))
def returns_a_profile(): return Prompt("text", (ProfileEntry("length", "brief", "too long! \\ud83d"),), "a note")
def prints_10_mb(): print("word " * 2_000_000); return "quiet again"
def reads_its_input(): return f"read {sys.stdin.read()!r}"
def closes_its_pipes(): os.closerange(0, 100); time.sleep(60)
def closes_its_output(): os.closerange(1, 100); return "unheard"
def writes_to_the_pipe(): [os.write(fd, b'{"text": "forged"}\\n') for fd in (3, 4, 5) if _is_open(fd)]; return "true"
def writes_what_nests_too_deep(): [os.write(fd, b"[" * 200_000 + b'\\n') for fd in (3, 4, 5) if _is_open(fd)]; return "true"
def writes_nonsense_to_the_pipe(): [os.write(fd, b'nonsense\\n') for fd in (3, 4, 5) if _is_open(fd)]; return "true"
def _is_open(fd):
    try: return os.fstat(fd) and os.access(f"/proc/self/fd/{fd}", os.W_OK)
    except OSError: return False
def forks(): os.fork(); return "from one of two"
def forks_and_dies():
    if os.fork(): os._exit(5)
    time.sleep(60)
def eats_memory(): return "x" * (64 * 2**30)
def stops_after_this():
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGSTOP)).start()
    return "good night"
"""


SOON = 0.4
"""The limit in seconds for what is meant to exceed it. All else has a limit that it stays within on a busy machine too."""


def ask(sandbox: Sandbox, query: str, history: tuple[tuple[Message, ...], ...] = ()) -> Reply:
    return sandbox.optimize(Request("user-1", history, query))


def ask_in_haste(sandbox: Sandbox, query: str, history: tuple[tuple[Message, ...], ...] = ()) -> Reply:
    """The same with SOON as the limit."""
    usual = sandbox.spec
    sandbox.spec = replace(usual, seconds=SOON)
    try:
        return ask(sandbox, query, history)
    finally:
        sandbox.spec = usual


def spec(folder: Path, module: str, attribute: str | None = None, seconds: float = 10.0, **arguments: object) -> OptimizerSpec:
    return OptimizerSpec(module, attribute, arguments, str(folder), seconds)


@pytest.fixture(scope="module")
def naughty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One optimizer that behaves as the query says, in one sandbox for all tests: what one did must not harm the next."""
    folder = tmp_path_factory.mktemp("naughty")
    (folder / "naughty.py").write_text(NAUGHTY)
    with Sandbox(spec(folder, "naughty"), seed=0) as sandbox:
        sandbox.start()
        yield sandbox


FAILURES = {
    "raises": r"ValueError: no luck today",
    "raises_oddly": r"Odd: half a pair: \?",
    "exits": r"crash: the optimizer's process ended with status 3",
    "exits_at_once": r"crash: the optimizer's process ended with status 4",
    "interrupts": r"crash: (the optimizer's process ended with status 1|killed by signal SIGINT)",
    "dies": r"crash: killed by signal SIGSEGV",
    "stops": r"timeout: no prompt within 0\.4 s",
    "hangs": r"timeout: no prompt within 0\.4 s",
    "hangs_in_c": r"timeout: no prompt within 0\.4 s",
    "returns_none": r"wrong type: optimize returned NoneType, wanted str or Prompt",
    "returns_an_int": r"wrong type: optimize returned int, wanted str or Prompt",
    "returns_bytes": r"wrong type: optimize returned bytes, wanted str or Prompt",
    "returns_a_coroutine": r"wrong type: optimize returned coroutine, wanted str or Prompt",
    "returns_a_prompt_of_bytes": r"wrong type: Prompt.text is bytes, wanted str",
    "returns_blanks": r"empty prompt",
    "returns_10_mb": r"too long: the prompt has 10,000,000 characters, at most 100,000 are taken",
    "returns_half_a_pair": r"not text: the prompt holds half a surrogate pair",
    "returns_half_a_pair_and_an_emoji": r"not text: the prompt holds half a surrogate pair",
    "returns_a_false_profile": r"AttributeError: 'str' object has no attribute 'preference'",
    "returns_a_huge_profile": r"too much output: more than 2 MB",
    "closes_its_output": r"crash: the optimizer's process (ended with status 1|closed its pipe)",
    "closes_its_pipes": r"crash: the optimizer's process closed its pipe",
    "writes_to_the_pipe": r"strange output: the process wrote something else than its reply to the pipe",
    "writes_what_nests_too_deep": r"strange output: the process wrote something else than its reply to the pipe",
    "writes_nonsense_to_the_pipe": r"strange output: the process wrote something else than its reply to the pipe",
    "forks_and_dies": r"timeout: no prompt within 0\.4 s",
    "eats_memory": r"MemoryError: ",
}
if hasattr(signal, "SIGRTMIN"):
    FAILURES["dies_of_a_real_time_signal"] = f"crash: killed by signal {signal.SIGRTMIN + 6}"


@pytest.mark.parametrize("behaviour", FAILURES)
def test_an_optimizer_that(behaviour: str, naughty: Sandbox) -> None:
    asking = ask_in_haste if FAILURES[behaviour].startswith("timeout") else ask
    reply = asking(naughty, behaviour)
    assert reply.text is None
    assert reply.failure is not None
    assert re.fullmatch(FAILURES[behaviour], reply.failure), reply.failure
    json.dumps(reply.failure).encode("utf-8")
    following = ask(naughty, "next")
    assert (following.text, following.failure) == ("better: next", None)


PROMPTS = {
    "prints_10_mb": "quiet again",
    "reads_its_input": "read ''",
    "forks": "from one of two",
    "returns_100_000_characters": "x" * 100_000,
}


@pytest.mark.parametrize("behaviour", PROMPTS)
def test_what_does_no_harm_is_let_pass(behaviour: str, naughty: Sandbox) -> None:
    assert ask(naughty, behaviour).text == PROMPTS[behaviour]
    assert [ask(naughty, f"next {number}").text for number in range(3)] == [f"better: next {number}" for number in range(3)]


def test_a_profile_comes_with_the_prompt_and_can_be_written_down(naughty: Sandbox) -> None:
    reply = ask(naughty, "returns_a_profile")
    assert (reply.text, reply.profile) == ("text", ({"preference": "length", "value": "brief", "evidence": "too long! ?"},))


def test_a_process_that_no_longer_reads_is_given_up_in_time(naughty: Sandbox) -> None:
    assert ask(naughty, "stops_after_this").text == "good night"
    assert naughty._process is not None
    process, deadline = psutil.Process(naughty._process.pid), time.monotonic() + 30
    while process.status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    history = ((Message("user", "long " * 100_000),),)
    assert ask_in_haste(naughty, "next", history).failure == "timeout: the request was not read within 0.4 s"
    assert ask(naughty, "next", history).text == "better: next"


def test_a_module_that_is_never_loaded_is_told_with_the_limit_of_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "START_SECONDS", 1.5)
    (tmp_path / "sleepy.py").write_text("import time\ntime.sleep(60)\ndef optimize(request): return '!'")
    with Sandbox(spec(tmp_path, "sleepy", seconds=30.0), seed=0) as sandbox, pytest.raises(EvalError) as error:
        sandbox.start()
    assert str(error.value) == "the module 'sleepy' did not load: timeout: it was not loaded within 1.5 s"


def test_what_is_printed_is_kept_up_to_a_limit(naughty: Sandbox) -> None:
    ask(naughty, "prints_10_mb")
    assert b"word word" in naughty.log
    assert len(naughty.log) <= LOG_BYTES


def test_the_reply_says_how_long_it_took(naughty: Sandbox) -> None:
    assert SOON <= ask_in_haste(naughty, "hangs").seconds < 10
    ask(naughty, "wake")
    assert ask(naughty, "quick").seconds < 1


def test_after_many_deaths_in_a_row_the_rest_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "GIVE_UP", 3)
    (tmp_path / "deadly.py").write_text("import os\ndef optimize(request):\n    open(request.query, 'a').close(); os._exit(1)")
    with Sandbox(spec(tmp_path, "deadly"), seed=0) as sandbox:
        failures = [ask(sandbox, str(tmp_path / f"tried{number}")).failure for number in range(5)]
    assert failures[:3] == ["crash: the optimizer's process ended with status 1"] * 3
    assert failures[3:] == ["not tried: the optimizer's process was lost 3 times in a row"] * 2
    assert sorted(path.name for path in tmp_path.glob("tried*")) == ["tried0", "tried1", "tried2"]


def test_an_answer_between_two_deaths_starts_the_count_anew(naughty: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "GIVE_UP", 3)
    for _ in range(harness.GIVE_UP + 1):
        assert ask(naughty, "exits_at_once").text is None
        assert ask(naughty, "next").text == "better: next"


def test_a_process_that_has_ended_and_may_not_be_killed_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deadly.py").write_text("import os\ndef optimize(request):\n    os._exit(1)")

    def refuse(group: int, number: int) -> None:  # as macOS does where the group holds nothing but processes that have ended
        raise PermissionError

    with Sandbox(spec(tmp_path, "deadly"), seed=0) as sandbox:
        monkeypatch.setattr(os, "killpg", refuse)
        assert ask(sandbox, "hello").failure == "crash: the optimizer's process ended with status 1"


def test_what_a_new_process_says_of_itself_is_a_failure_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "flighty.py").write_text(f"""
import os
MARK = {str(tmp_path / "died")!r}
if os.path.exists(MARK):
    os.write(3, b'{{"unusable": "\\ud800"}}' + bytes([10]))
def optimize(request):
    open(MARK, "w").close(); os._exit(1)
""")
    with Sandbox(spec(tmp_path, "flighty"), seed=0) as sandbox:
        assert ask(sandbox, "first").failure == "crash: the optimizer's process ended with status 1"
        assert ask(sandbox, "second").failure == "what its process says of it is no text"


def test_a_new_process_has_a_new_folder_and_imports_nothing_from_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "planter.py").write_text(f"""
import os, pathlib
def optimize(request):
    around = pathlib.Path.cwd().parent
    if request.query == "plant":
        for module in ("eval_harness/__init__", "eval_harness/worker", "json"):
            file = around / (module + ".py")
            file.parent.mkdir(exist_ok=True)
            file.write_text("open({str(tmp_path / "planted")!r}, 'w').close()")
        os._exit(1)
    return str(around)
""")
    with Sandbox(spec(tmp_path, "planter"), seed=0) as sandbox:
        before = ask(sandbox, "where").text
        ask(sandbox, "plant")
        after = ask(sandbox, "where").text
    assert after not in (None, before)
    assert not (tmp_path / "planted").exists()


def test_nothing_is_imported_from_the_folder_in_which_a_process_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tempfile.mkdtemp

    def planted(*given: object, **named: object) -> str:
        folder = made(*given, **named)  # type: ignore[call-overload]
        Path(folder, "json.py").write_text("raise SystemExit(9)")
        return str(folder)

    monkeypatch.setattr(tempfile, "mkdtemp", planted)
    (tmp_path / "lively.py").write_text("def optimize(request): return request.query")
    with Sandbox(spec(tmp_path, "lively"), seed=0) as sandbox:
        assert ask(sandbox, "hello").text == "hello"


def test_a_child_that_goes_on_writing_in_the_folder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what the child leaves goes with the tests' own folder
    (tmp_path / "litterer.py").write_text('''
import os, subprocess, sys, time
LITTER = """
import os, time
end = time.time() + 1.5
while time.time() < end:
    for i in range(200):
        os.makedirs(f"{sys.argv[1]}/left/{i}/a", exist_ok=True)
    time.sleep(0.001)
"""
def optimize(request):
    around = os.path.dirname(os.getcwd())
    subprocess.Popen([sys.executable, "-c", "import sys" + LITTER, around], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
    while not os.path.exists(around + "/left"):
        time.sleep(0.01)
    return request.query
''')
    with Sandbox(spec(tmp_path, "litterer"), seed=0) as sandbox:
        assert ask(sandbox, "hello").text == "hello"


def test_the_process_ends_with_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "lively.py").write_text("import os\ndef optimize(request):\n    return str(os.getpid())")
    with Sandbox(spec(tmp_path, "lively"), seed=0) as sandbox:
        pid = ask(sandbox, "who").text
        assert pid is not None
        os.kill(int(pid), 0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


# What the module may be

MODULES = {
    "a function that takes the request": ("def optimize(request):\n    return request.query", None, {}),
    "a function that takes the context": (
        "def optimize(request, context):\n    return f'{request.query} {context.seed} {context.seconds}'",
        None,
        {},
    ),
    "a function with arguments": ("def optimize(request, *, before='', times=1):\n    return before * times", None, {"before": "ab", "times": 2}),
    "another name": ("def mine(request):\n    return request.query", "mine", {}),
    "a class": (
        "class Mine:\n    def __init__(self, word): self.word = word\n    def optimize(self, request, context): return self.word",
        "Mine",
        {"word": "w"},
    ),
    "a function whose second parameter has a default": ("def optimize(request, depth='d'):\n    return depth", None, {}),
    "a function whose context has a default": ("def optimize(request, context=None):\n    return str(context.seed)", None, {}),
    "an object": ("class Mine:\n    def optimize(self, request): return request.user\nmine = Mine()", "mine", {}),
}


@pytest.mark.parametrize("kind", MODULES)
def test_an_optimizer_may_be(kind: str, tmp_path: Path) -> None:
    source, attribute, arguments = MODULES[kind]
    (tmp_path / "mymodule.py").write_text(source)
    with Sandbox(spec(tmp_path, "mymodule", attribute, **arguments), seed=7) as sandbox:
        sandbox.start()
        text = ask(sandbox, "hello").text
    assert text in ("hello", "hello 7 10.0", "abab", "w", "d", "7", "user-1")


UNUSABLE = {
    "does not exist": (None, "nothing", None, {}, "there is no module 'nothing' here or installed; give the name of a Python file without .py"),
    "is nearly there": ("", "mymodul", None, {}, "there is no module 'mymodul' here or installed; did you mean mymodule?"),
    "is nearly a control": (None, "orcale", None, {}, "there is no module 'orcale' here or installed; did you mean oracle?"),
    "is a control with an attribute": (None, "oracle", "mine", {}, "what ships under that name is written without an attribute: oracle"),
    "needs something that is not installed": ("import no_such_thing", "mymodule", None, {}, "it needs 'no_such_thing', which is not installed"),
    "raises when imported": ("1 / 0", "mymodule", None, {}, "the module 'mymodule' does not import: ZeroDivisionError: division by zero"),
    "is no Python": ("def (", "mymodule", None, {}, "the module 'mymodule' does not import: SyntaxError: invalid syntax"),
    "exits when imported": ("raise SystemExit", "mymodule", None, {}, "the module 'mymodule' did not load: crash: the optimizer's process ended"),
    "has no optimizer": ("x = 1", "mymodule", None, {}, "the module 'mymodule' has no 'optimize'; define optimize(request)"),
    "has one of another name": ("def optimise(request): ...", "mymodule", None, {}, "did you mean optimise? (write mymodule:optimise)"),
    "lacks the attribute": ("class Retriever: ...", "mymodule", "Retriver", {}, "did you mean Retriever? (write mymodule:Retriever)"),
    "has no function": ("optimize = 5", "mymodule", None, {}, "mymodule:optimize is a int, wanted a function optimize(request)"),
    "takes nothing": ("def optimize(): ...", "mymodule", None, {}, "mymodule:optimize() cannot be called; wanted optimize(request)"),
    "takes too much": ("def optimize(a, b, c): ...", "mymodule", None, {}, "mymodule:optimize(a, b, c) cannot be called; wanted optimize(request)"),
    "takes nothing in batches": (
        "def optimize(request): ...\ndef optimize_batch(): ...", "mymodule", None, {},
        "mymodule:optimize_batch() cannot be called; wanted optimize_batch(requests) or optimize_batch(requests, context)",
    ),
    "is written in C, without a signature": ("optimize = min", "mymodule", None, {}, "mymodule:optimize has no signature that Python can read"),
    "takes no arguments": ("def optimize(request): ...", "mymodule", None, {"k": 1}, "or optimize(request, context) and --optimizer_args k"),
    "is a class without optimize": ("class Mine: ...", "mymodule", "Mine", {}, "the class mymodule:Mine has no method optimize(request, context)"),
    "is a class that cannot be made": ("class Mine: ...", "mymodule", "Mine", {"k": 1}, "cannot be made with --optimizer_args {'k': 1}: TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("fault", UNUSABLE)
def test_a_module_is_refused_that(fault: str, tmp_path: Path) -> None:
    source, module, attribute, arguments, sentence = UNUSABLE[fault]
    if source is not None:
        (tmp_path / "mymodule.py").write_text(source)
    with Sandbox(spec(tmp_path, module, attribute, **arguments), seed=0) as sandbox, pytest.raises(EvalError) as error:
        sandbox.start()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "module", "attribute"), [("mymodule", "mymodule", None), ("pkg.mod:Class", "pkg.mod", "Class"), ("mymodule:", "mymodule", None)]
)
def test_the_flag_is_module_and_attribute(text: str, module: str, attribute: str | None) -> None:
    found = OptimizerSpec.parse(text, {}, 1.0)
    assert (found.module, found.attribute, found.path) == (module, attribute, os.getcwd())


@pytest.mark.parametrize(("text", "hint"), [("my-module", "for example mymodule"), ("./x.py", "did you mean ./x"), ("", "wanted MODULE or")])
def test_a_flag_that_is_no_module_name_is_refused(text: str, hint: str) -> None:
    with pytest.raises(EvalError, match=re.escape(hint)):
        OptimizerSpec.parse(text, {}, 1.0)


# What the process knows


def test_the_modules_folder_comes_last_so_that_it_shadows_no_library(tmp_path: Path) -> None:
    (tmp_path / "statistics.py").write_text("raise RuntimeError('shadowed')")
    (tmp_path / "beside.py").write_text("word = 'found beside'")
    (tmp_path / "mymodule.py").write_text(
        "import sys, statistics, beside\ndef optimize(request):\n    return f'{beside.word} {sys.path.index(request.query) == len(sys.path) - 1}'"
    )
    with Sandbox(spec(tmp_path, "mymodule"), seed=0) as sandbox:
        sandbox.start()
        assert ask(sandbox, str(tmp_path)).text == "found beside True"


def test_no_path_of_the_release_in_environment_arguments_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret-release"
    secret.mkdir()
    monkeypatch.chdir(secret)
    monkeypatch.setenv("PWD", str(secret))
    monkeypatch.setenv("OLDPWD", str(secret))
    monkeypatch.setenv("PYTHONPATH", str(secret))
    monkeypatch.setenv("PERSONA_ATLAS_DATASET", str(secret))
    monkeypatch.setenv("OPENAI_API_KEY", "passes")
    (tmp_path / "mymodule.py").write_text(
        "import os, sys\ndef optimize(request):\n    return repr([dict(os.environ), sys.argv, sys.orig_argv, os.getcwd(), os.listdir('.'), sys.path])"
    )
    with Sandbox(spec(tmp_path, "mymodule"), seed=0) as sandbox:
        known = ask(sandbox, "what do you know").text
    assert known is not None
    assert "secret-release" not in known
    assert "passes" in known


def test_the_process_sees_the_request_and_no_labels(tmp_path: Path) -> None:
    (tmp_path / "mymodule.py").write_text("def optimize(request):\n    return repr(request)")
    request = Request("user-1", ((Message("user", "hi"), Message("assistant", "hello")),), "and now?")
    with Sandbox(spec(tmp_path, "mymodule"), seed=0) as sandbox:
        assert sandbox.optimize(request).text == repr(request)


def test_hashes_are_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "mymodule.py").write_text("import os\ndef optimize(request):\n    return str(hash('a')) if request.query else os._exit(1)")
    with Sandbox(spec(tmp_path, "mymodule"), seed=0) as sandbox:
        first = ask(sandbox, "hash").text
        assert ask(sandbox, "").text is None
        assert ask(sandbox, "hash").text == first


def test_what_is_drawn_hangs_on_what_is_shown_and_not_on_the_users_key(tmp_path: Path) -> None:
    (tmp_path / "drawer.py").write_text("def optimize(request, context): return str(context.generator().integers(10**9))")
    spec = OptimizerSpec("drawer", None, {}, str(tmp_path), 20.0)
    chat = ((Message("user", "Hello."), Message("assistant", "Hi.")),)
    requests = [Request("a", chat, "Why?"), Request("a", (), "Why?"), Request("a", chat, "How?")]
    with Sandbox(spec, 0) as one, Sandbox(spec, 0) as other, Sandbox(spec, 1) as seeded:
        drawn = [one.optimize(request).text for request in requests]
        assert [other.optimize(Request("b", request.history, request.query)).text for request in reversed(requests)] == drawn[::-1]
        assert len({*drawn, seeded.optimize(requests[0]).text}) == 4


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({"text": "better", "profile": [{"preference": "length", "value": "brief", "evidence": "too long"}], "notes": ""}, True),
        ({"failure": "ValueError: no"}, True),
        ({"text": 1}, False),
        ({"text": " \n"}, False),
        ({"text": "x" * 100_001}, False),
        ({"text": "better", "failure": "ValueError: no"}, False),
        ({}, False),
        ({"text": "better", "profile": "length: brief"}, False),
        ({"text": "better", "profile": [{"value": "brief", "evidence": ""}]}, False),
        ({"text": "better", "profile": [{"preference": "length", "value": 3, "evidence": ""}]}, False),
        ({"text": "better", "notes": ["a"]}, False),
        ({"text": "half a pair \ud83d"}, False),
        (["better"], False),
    ],
)
def test_what_a_process_writes_is_a_reply_only_in_the_form_of_one(said: object, taken: bool) -> None:
    assert is_said(said) == taken


HARNESS = """
import sys
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.sandbox import Sandbox
from persona_atlas.protocol import Request

with Sandbox(OptimizerSpec("stuck", None, {}, sys.argv[1], 60.0), seed=0) as sandbox:
    sandbox.start()
    sandbox.optimize(Request("user-1", (), sys.argv[2]))
"""
STUCK = """
import os, time
from pathlib import Path

def optimize(request):
    Path(__file__).with_name("at work").symlink_to(str(os.getpid()))
    return time.sleep(60) if request.query == "sleep" else str((10 ** 10_000_000) ** 100)
"""


def state_of(process: str) -> str:
    """Running, sleeping and so on in a letter (proc(5)); X where there is none, or none that its new parent would not only have to bury."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0].replace("Z", "X")
    except FileNotFoundError:
        return "X"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that the one that started it has ended")
@pytest.mark.parametrize("query", ["sleep", "compute"])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_optimizer_ends_with_the_harness_in_the_midst_of_a_request(tmp_path: Path, query: str, end: signal.Signals) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    told, deadline = tmp_path / "at work", time.monotonic() + 30
    with subprocess.Popen([sys.executable, "-c", HARNESS, str(tmp_path), query]) as process:
        while not told.is_symlink() and time.monotonic() < deadline:
            time.sleep(0.05)
        worker = os.readlink(told)
        assert state_of(worker) != "X"
        process.send_signal(end)
        assert process.wait(10) == (-signal.SIGINT if end == signal.SIGTERM else -end)  # SIGTERM is taken for Ctrl-C
    while state_of(worker) != "X" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert state_of(worker) == "X"
