"""lm-eval's backends: the dummy one, and a chat server on the loopback that speaks as OpenAI's does."""

import gc
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tenacity
import torch

from eval_harness.errors import EvalError
from eval_harness.metered import Meter, train_items
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.sandbox import Sandbox
from persona_atlas.data import Release
from persona_atlas.models.cache import CachedModel, ResponseCache
from persona_atlas.models.lmeval import FIRST_CHUNK, LMEvalModel
from persona_atlas.models.lmeval_api import adapt, lost
from persona_atlas.models.lmeval_backend import fingerprint_of
from persona_atlas.models.protocol import FinishReason, Generation, ModelError, Sampling
from persona_atlas.models.server import MOST_LOST
from persona_atlas.models.stream import Stream
from persona_atlas.protocol import Request
from persona_atlas.scoring import score

SECRET = "not-for-the-run-folder"
SHORT = Sampling(max_gen_toks=16)
LONG = Sampling(max_gen_toks=200)
FOREVER = 60.0
AZURES = {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "code": "content_filter"}
FLAGGED = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
BLOCKED: dict[str, tuple[int, dict[str, Any]]] = {
    "Azure": (400, {"error": AZURES}),
    "OpenAI": (400, {"error": {"message": FLAGGED, "code": "invalid_prompt"}}),
    "Anthropic": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Output blocked by content filtering policy"}}),
    "DeepSeek": (400, {"error": {"message": "Content Exists Risk", "code": "invalid_request_error"}}),
    "Alibaba": (422, {"error": {"message": "Input data may contain inappropriate content.", "code": "data_inspection_failed"}}),
}
"""How servers refuse a prompt for its content."""


class ChatServer(ThreadingHTTPServer):
    """Answers "echo: <prompt>", refuses prompts that say so, and notes every request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ChatHandler)
        self.requests: list[dict[str, Any]] = []
        self.closing = threading.Event()

    @property
    def args(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.server_port}/v1/chat/completions"
        return {"base_url": url, "model": "echo", "max_retries": 1, "auth_token": SECRET}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up before it was answered, as those do who do not wait for slow answers."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ChatHandler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        prompt = request["messages"][-1]["content"]
        if "too long" in prompt:
            return self.reply(400, {"error": {"message": "This model's maximum context length is 64 tokens."}})
        for trouble, status in (("busy", 429), ("broken", 500)):
            if trouble in prompt and self.tries(prompt) <= (99 if "always" in prompt else 2):
                return self.reply(status, {"error": {"message": trouble}})
        if "behind" in prompt and self.tries(prompt) <= (99 if "always" in prompt else 2):
            return self.reply(200, {"error": {"code": 502, "message": "nobody answers behind the gateway"}})
        if "hang up" in prompt and self.tries(prompt) <= (99 if "always" in prompt else 2):
            return self.connection.close()
        if "slow" in prompt and self.tries(prompt) <= (99 if "always" in prompt else 1):
            self.server.closing.wait(FOREVER)
        if "forbidden" in prompt:
            return self.reply(422, {"error": {"message": "content refused"}})
        if "blocked" in prompt:
            status, body = next(answer for word, answer in BLOCKED.items() if word in prompt)
            return self.reply(status, body)
        if "wrong" in prompt:
            return self.reply(int(prompt.split()[-1]), {"error": {"message": "Unrecognized request argument supplied: content", "code": None}})
        choice = {"index": 0, "message": {"role": "assistant", "content": f"echo: {prompt}"}}
        ends = {"filtered": "content_filter", "dropped": "error", "cut": "length", "": "stop"}
        choice["finish_reason"] = next(reason for word, reason in ends.items() if word in prompt)
        if "no reason" in prompt:
            del choice["finish_reason"]
        usage = {} if "no count" in prompt else {"usage": {"prompt_tokens": 11, "completion_tokens": 16 if "long" in prompt else 5}}
        self.reply(200, {"choices": [choice], **usage})

    def tries(self, prompt: str) -> int:
        return sum(request["messages"][-1]["content"] == prompt for request in self.server.requests)

    def reply(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ChatServer]:
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """lm-eval tries again at once, instead of a second or more later."""
    monkeypatch.setattr("lm_eval.models.api_models.wait_exponential", lambda **_: tenacity.wait_none())


def drained(stream: Stream) -> int:
    """How many answers there were."""
    count = 0
    while found := stream.finished():
        count += len(found)
    return count


def answers(model: LMEvalModel, prompts: list[str], sampling: Sampling = SHORT) -> list[Generation]:
    return [generation for _, generation in sorted(model.generate(prompts, sampling), key=lambda pair: pair[0])]


def test_the_dummy_backend_answers_offline() -> None:
    model = LMEvalModel("dummy", {})
    assert answers(model, ["Hello."] * 3) == [Generation("lol", "stop", None, None)] * 3
    assert model.context_length is None
    assert model.count_tokens("12345678") == 2


def test_a_blank_prompt_is_its_own_error() -> None:
    blank, fine = answers(LMEvalModel("dummy"), [" ", "Hello."])
    assert (blank.finish_reason, fine.text) == ("error", "lol")


def test_a_chat_server_gets_one_user_message_and_the_sampling(server: ChatServer) -> None:
    (answer,) = answers(LMEvalModel("local-chat-completions", server.args), ["Grüß dich."], Sampling(7, temperature=0.5, seed=3))
    assert answer == Generation("echo: Grüß dich.", "stop", 11, 5)
    (request,) = server.requests
    assert request["messages"] == [{"role": "user", "content": "Grüß dich."}]
    assert (request["max_tokens"], request["temperature"], request["seed"]) == (7, 0.5, 3)


@pytest.mark.parametrize("concurrent", [1, 8])
def test_many_prompts_keep_their_answers_and_come_chunk_by_chunk(server: ChatServer, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    stream = model.generate([f"prompt {number}" * (number % 7 + 1) for number in range(100)], Sampling(16))
    next(stream)
    assert len(server.requests) < 100
    assert all(generation.text.startswith(f"echo: prompt {index}") for index, generation in stream)
    assert len(server.requests) == 100


@pytest.mark.parametrize("concurrent", [1, 8])
def test_the_servers_reason_for_ending_is_kept(server: ChatServer, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    assert [answer.finish_reason for answer in answers(model, ["whole", "cut short"])] == ["stop", "length"]


@pytest.mark.parametrize(
    ("prompt", "reason"), [("no reason", "stop"), ("no reason, long", "length"), ("no reason, no count, long", "stop"), ("long", "stop")]
)
def test_a_server_that_gives_no_reason_is_judged_by_the_tokens_that_it_counts(server: ChatServer, prompt: str, reason: FinishReason) -> None:
    (answer,) = answers(LMEvalModel("local-chat-completions", server.args), [prompt])
    assert (answer.text, answer.finish_reason) == (f"echo: {prompt}", reason)


@pytest.mark.parametrize("concurrent", [1, 8])
def test_an_answer_that_the_server_broke_off_is_an_error(server: ChatServer, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    why = "local-chat-completions gave the prompt up before its answer ended (error)."
    assert answers(model, ["fine", "dropped"])[1] == Generation("", "error", 11, None, why)


# A content filter: what it refuses is the prompt's doing, as an answer that says nothing is


@pytest.mark.parametrize("concurrent", [1, 8])
def test_an_answer_that_a_filter_withholds_is_empty(server: ChatServer, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    with pytest.warns(match=r"local-chat-completions has a content filter.*The first: The answer ended with content_filter\."):
        assert answers(model, ["fine", "filtered"])[1] == Generation("", "stop", 11, 5)


@pytest.mark.filterwarnings("ignore:local-chat-completions has a content filter")
@pytest.mark.parametrize("concurrent", [1, 8])
@pytest.mark.parametrize("whose", BLOCKED)
def test_a_prompt_that_is_refused_for_its_content_has_an_empty_answer(server: ChatServer, whose: str, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    assert answers(model, ["fine", f"{whose}: blocked", "fine too"])[1] == Generation("", "stop", None, None)
    assert [request["messages"][0]["content"] for request in server.requests].count(f"{whose}: blocked") <= 2  # it is not tried again


@pytest.mark.filterwarnings("ignore:local-chat-completions has a content filter")
def test_prompts_that_are_refused_for_their_content_do_not_make_a_server_useless(server: ChatServer) -> None:
    prompts = [f"Azure: blocked {number}" for number in range(2 * MOST_LOST)]
    assert [answer.finish_reason for answer in answers(LMEvalModel("local-chat-completions", server.args), prompts)] == ["stop"] * len(prompts)
    stream = LMEvalModel("local-chat-completions", server.args).stream()
    for number, prompt in enumerate(prompts):
        stream.submit(number, prompt, SHORT)
    assert drained(stream) == len(prompts)
    stream.close()


@pytest.mark.filterwarnings("ignore:local-chat-completions has a content filter")
def test_a_prompt_that_is_refused_for_its_content_counts_as_not_responsive(server: ChatServer, release: Release) -> None:
    (refused,) = answers(LMEvalModel("local-chat-completions", server.args), ["Azure: blocked"])
    item = next(item for item in release.items("test") if item.gold)
    scores = score(item, refused.text, refused.finish_reason)
    assert (scores.g, scores.personalization, scores.task) == (0.0, 0.0, 0.0)


@pytest.mark.filterwarnings("ignore:local-chat-completions has a content filter")
def test_a_fit_that_asks_what_a_filter_refuses_is_done_and_pays_for_it(server: ChatServer, release: Release, tmp_path: Path) -> None:
    (tmp_path / "asker.py").write_text(
        "TOLD = []\ndef fit(train, context): TOLD.extend(context.model.generate(['Azure: blocked', 'filtered', 'fine']))\n"
        "def optimize(request): return '/'.join(TOLD)\n"
    )
    model = LMEvalModel("local-chat-completions", server.args)
    meter = Meter(model, SHORT, 5, release, train_items(release, 0))
    with Sandbox(OptimizerSpec("asker", None, {}, str(tmp_path), 20.0), 0, meter) as sandbox:
        sandbox.start()
        assert sandbox.optimize(Request("user-1", (), "?")).text == "//echo: fine"
    assert (meter.calls, sandbox.fit_usage.calls, sandbox.fit_usage.lost) == (3, 3, 0)


def test_a_warning_tells_of_the_first_prompt_that_a_filter_refuses_and_of_no_other(server: ChatServer) -> None:
    with pytest.warns(match="The first: The server refused the prompt with status 400: .*Azure OpenAI's content management policy") as told:
        answers(LMEvalModel("local-chat-completions", server.args), ["Azure: blocked 1", "Azure: blocked 2", "filtered"])
    assert len(told) == 1


# What is wrong with the settings, or passes, is no fault of the prompt


@pytest.mark.usefixtures("no_rests")
def test_of_requests_that_fail_together_the_first_is_told_and_nothing_is_printed_of_the_others(
    server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": 8})
    with pytest.raises(ModelError, match=r"stopped answering.*404"):
        answers(model, [f"wrong {number} 404" for number in range(8)])
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("concurrent", [1, 4])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_mistake_in_the_settings_ends_the_run_with_a_sentence(server: ChatServer, status: int, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    with pytest.raises(ModelError, match=rf"^The backend local-chat-completions (refused its first 4 prompts|stopped answering).*{status}"):
        answers(model, [f"wrong {number} {status}" for number in range(20)])
    assert len(server.requests) < 10


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_is_refused_for_another_reason_while_the_server_answers_others_is_lost(server: ChatServer, status: int) -> None:
    model = LMEvalModel("local-chat-completions", server.args)
    answers(model, ["first"])
    assert [answer.finish_reason for answer in answers(model, ["fine", f"wrong {status}"])] == ["stop", "error"]


def test_a_fit_that_is_refused_for_another_reason_says_why(server: ChatServer, release: Release, tmp_path: Path) -> None:
    (tmp_path / "asker.py").write_text("def fit(train, context): context.model.generate(['wrong 400'])\ndef optimize(request): return '!'\n")
    meter = Meter(LMEvalModel("local-chat-completions", server.args), SHORT, 5, release, train_items(release, 0))
    with Sandbox(OptimizerSpec("asker", None, {}, str(tmp_path), 20.0), 0, meter) as sandbox, pytest.raises(EvalError) as raised:
        sandbox.start()
    assert str(raised.value).startswith("the target lost 1 of the answers that its fit asked for (The server refused the prompt with status 400: {")
    assert "Unrecognized request argument" in str(raised.value)


def test_a_failure_that_passes_is_no_refusal_whatever_it_speaks_of() -> None:
    assert not lost("The backend failed on the prompt (HTTP 503: the content filter is out of order).").filtered


class Silent:
    """A backend in this process that says nothing about its answers, like lm-eval's `hf`. A word is a token."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def generate_until(self, requests: list[Any]) -> list[str]:
        return [self.texts.pop(0) for _ in requests]

    def tok_encode(self, text: str, **options: bool) -> list[int]:
        return list(range(len(text.split())))


@pytest.mark.parametrize(
    ("words", "end", "reason"),
    [
        (200, "end.", "length"),
        (199, "then", "length"),
        (196, "then", "length"),
        (195, "then", "stop"),
        (196, "end.", "stop"),
        (196, '(**end!**)"', "stop"),
        (196, "end 🎉", "stop"),
        (196, "it\n```\n", "stop"),
        (5, "then", "stop"),
    ],
)
def test_where_nobody_says_why_an_answer_ended_its_text_tells(words: int, end: str, reason: FinishReason) -> None:
    model = LMEvalModel("dummy")
    model.backend = Silent("word " * (words - len(end.split())) + end)
    (answer,) = answers(model, ["Hello."], LONG)
    assert (answer.finish_reason, answer.answer_tokens) == (reason, 200 if reason == "length" else words)


def test_two_tokens_are_spared_in_the_shortest_answers() -> None:
    model = LMEvalModel("dummy")
    model.backend = Silent("word " * 14, "word " * 13)
    assert [answer.finish_reason for answer in answers(model, ["Hello."] * 2)] == ["length", "stop"]


class Dying(Silent):
    """Answers its first chunk, fails on the next, answers `more` prompts one by one, and is dead from then on."""

    def __init__(self, more: int) -> None:
        super().__init__()
        self.calls, self.more = 0, more

    def generate_until(self, requests: list[Any]) -> list[str]:
        self.calls += 1
        if self.calls == 2 or self.calls > self.more + 2:
            raise RuntimeError("out of memory")
        return ["Yes."] * len(requests)


def test_what_was_answered_one_by_one_before_the_backend_died_is_kept(tmp_path: Path) -> None:
    model = LMEvalModel("dummy")
    model.backend = Dying(more=3)
    found: list[tuple[int, Generation]] = []
    cache = ResponseCache(tmp_path / "answers.sqlite")
    with pytest.raises(ModelError, match="stopped answering"):
        found.extend(CachedModel(model, cache).generate([f"Question {number}?" for number in range(40)], SHORT))
    assert len(cache) == sum(answer.finish_reason == "stop" for _, answer in found) == FIRST_CHUNK + 3
    assert model.backend.calls == 2 + 3 + MOST_LOST


@pytest.mark.parametrize("concurrent", [1, 8])
def test_a_refused_prompt_does_not_take_others_with_it(server: ChatServer, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    found = answers(model, [f"forbidden {number}" if number == 20 else f"prompt {number}" for number in range(40)])
    assert [index for index, answer in enumerate(found) if answer.finish_reason == "error"] == [20]
    assert found[20].error is not None
    assert "422" in found[20].error
    assert found[39].text == "echo: prompt 39"


@pytest.mark.parametrize("concurrent", [1, 8])
def test_the_servers_context_overflow_is_recorded_as_such(server: ChatServer, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent})
    found = answers(model, ["too long " * 9] * 4 + ["fine"])
    assert [answer.finish_reason for answer in found] == ["context_overflow"] * 4 + ["stop"]


def test_a_server_that_refuses_everything_stops_the_run_soon(server: ChatServer) -> None:
    with pytest.raises(ModelError, match="refused its first 4 prompts"):
        answers(LMEvalModel("local-chat-completions", server.args), ["forbidden"] * 50)
    assert len(server.requests) < 10


def test_refusals_of_small_calls_add_up(server: ChatServer) -> None:
    model = LMEvalModel("local-chat-completions", server.args)
    answers(model, ["forbidden", "too long", "forbidden"])
    with pytest.raises(ModelError, match="refused its first 4 prompts"):
        answers(model, ["forbidden", "forbidden"])


@pytest.mark.parametrize("concurrent", [1, 12])
def test_a_server_that_refuses_everything_stops_a_stream_soon(server: ChatServer, concurrent: int) -> None:
    stream = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": concurrent}).stream()
    for number in range(100):
        stream.submit(number, f"forbidden {number}", SHORT)
    with pytest.raises(ModelError, match=r"answered none of its first (8|12) prompts, so check --model_args.*422: .*content refused"):
        drained(stream)
    stream.close()


@pytest.mark.parametrize("concurrent", [1, 4])
@pytest.mark.parametrize("trouble", ["busy", "broken", "behind the gateway", "hang up", "slow"])
def test_passing_trouble_is_tried_again(server: ChatServer, no_rests: None, trouble: str, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "max_retries": 3, "timeout": 1, "num_concurrent": concurrent})
    assert [answer.text for answer in answers(model, ["fine", trouble])] == ["echo: fine", f"echo: {trouble}"]


@pytest.mark.parametrize("concurrent", [1, 4])
@pytest.mark.parametrize("trouble", ["busy", "broken", "behind the gateway", "hang up", "slow"])
def test_lasting_trouble_costs_its_prompt_alone(server: ChatServer, trouble: str, concurrent: int) -> None:
    model = LMEvalModel("local-chat-completions", {**server.args, "timeout": 1, "num_concurrent": concurrent})
    answers(model, ["first"])
    found = answers(model, ["fine", f"always {trouble}", "fine too"])
    assert [answer.finish_reason for answer in found] == ["stop", "error", "stop"]
    assert str(found[1].error).startswith("The backend local-chat-completions failed on the prompt (")


def test_a_server_that_goes_away_stops_the_run_after_some_prompts(server: ChatServer) -> None:
    model = LMEvalModel("local-chat-completions", server.args)
    answers(model, ["first"])
    with pytest.raises(ModelError, match="stopped answering"):
        answers(model, [f"always broken {number}" for number in range(50)])
    assert len(server.requests) < 90


def test_a_server_that_is_not_there_is_told_in_one_sentence() -> None:
    server = ChatServer()
    args = server.args
    server.server_close()
    with pytest.raises(ModelError, match="local-chat-completions stopped answering"):
        answers(LMEvalModel("local-chat-completions", args), ["Hello."])


def test_the_fingerprint_follows_the_model_and_keeps_no_secret(server: ChatServer) -> None:
    one = LMEvalModel("local-chat-completions", server.args)
    same = LMEvalModel("local-chat-completions", {**server.args, "num_concurrent": 8, "timeout": 5})
    other = LMEvalModel("local-chat-completions", {**server.args, "model": "other"})
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert SECRET not in one.fingerprint


def test_the_fingerprint_follows_what_an_adapter_s_folder_holds(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("one")
    arguments = {"pretrained": "org/base", "peft": str(tmp_path)}
    before = fingerprint_of("hf", arguments, object(), templated=False)
    (tmp_path / "weights").write_text("two")
    after = fingerprint_of("hf", arguments, object(), templated=False)
    assert before != after
    assert before.partition("|peft sha256:")[0] == after.partition("|peft sha256:")[0]


def test_a_servers_fingerprint_does_not_depend_on_what_else_was_imported(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with_torch = LMEvalModel("local-chat-completions", server.args).fingerprint
    monkeypatch.delitem(sys.modules, "torch")
    assert LMEvalModel("local-chat-completions", server.args).fingerprint == with_torch


@pytest.mark.parametrize("concurrent", [0, "abc", "²", -1])
def test_a_number_of_requests_that_cannot_be_is_told_in_one_sentence(concurrent: int | str) -> None:
    with pytest.raises(ModelError, match=f"num_concurrent={concurrent} is no whole number of at least 1"):
        LMEvalModel("dummy", {"num_concurrent": concurrent})


class CompletionsOfTwo:
    """Stands for a backend whose one response holds several choices, in an order of its own."""

    model_call = amodel_call = None

    def parse_generations(self, outputs: dict[str, Any]) -> list[str]:
        return [choice["text"] for choice in sorted(outputs["choices"], key=lambda choice: choice["index"])]


def test_reasons_follow_their_choice_where_a_response_holds_several() -> None:
    backend = CompletionsOfTwo()
    adapt(backend)
    choices = [{"index": 1, "text": "b", "finish_reason": "length"}, {"index": 0, "text": "a", "finish_reason": "stop"}]
    first, second = backend.parse_generations(outputs={"choices": choices, "usage": {"completion_tokens": 9}})
    assert [(first, first.finish_reason), (second, second.finish_reason)] == [("a", "stop"), ("b", "length")]  # type: ignore[attr-defined]
    assert first.answer_tokens is None  # type: ignore[attr-defined]


def test_a_refusal_of_anthropic_s_servers_is_an_empty_answer_with_and_without_a_text() -> None:
    backend = Messages()
    adapt(backend)
    for parts in ([], [{"type": "text", "text": "I will"}]):
        (answer,) = backend.parse_generations(outputs={"content": parts, "stop_reason": "refusal", "usage": {"input_tokens": 7, "output_tokens": 1}})
        assert (answer.filtered, answer.prompt_tokens) == (True, 7)  # type: ignore[attr-defined]


class Messages:
    """Stands for lm-eval's backend of Anthropic's messages."""

    model_call = amodel_call = None

    def parse_generations(self, outputs: dict[str, Any]) -> list[str]:
        return [part["text"] for part in outputs["content"]]


def test_reasons_and_tokens_are_read_in_anthropic_s_words() -> None:
    backend = Messages()
    adapt(backend)
    response = {"content": [{"type": "text", "text": "a"}], "stop_reason": "max_tokens", "usage": {"input_tokens": 7, "output_tokens": 9}}
    (answer,) = backend.parse_generations(outputs=response)
    assert answer.finish_reason == "max_tokens"  # type: ignore[attr-defined]
    assert (answer.prompt_tokens, answer.answer_tokens) == (7, 9)  # type: ignore[attr-defined]


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_target_in_a_trainers_process_leaves_its_draws_as_they_are(temperature: float) -> None:
    model, draws = LMEvalModel("dummy", {}), []
    for asked in (False, True):
        torch.manual_seed(7)
        if asked:
            assert answers(model, ["Hello."], Sampling(16, temperature))[0].finish_reason == "stop"
        draws.append(torch.rand(4).tolist())
    assert draws[0] == draws[1]


def test_hf_without_torch_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    with pytest.raises(ModelError, match=r'hf needs torch.*pip install "persona-atlas\[hf\]"'):
        LMEvalModel("hf", {"pretrained": "HuggingFaceTB/SmolLM2-135M-Instruct"})


def test_wrong_arguments_of_a_backend_are_told_in_one_sentence() -> None:
    with pytest.raises(ModelError, match="local-chat-completions does not start"):
        LMEvalModel("local-chat-completions", {"model": "echo", "timeout": "soon"})
