"""The metered model: what an optimizer asks of the target is answered, counted and bounded, in `fit` and in `optimize`."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from eval_harness import sandbox as harness
from eval_harness.errors import EvalError
from eval_harness.metered import FIT_TASKS, Meter, StrangeMessageError, train_items
from eval_harness.optimizer_spec import OptimizerSpec
from eval_harness.sandbox import Sandbox
from persona_atlas.data import Release
from persona_atlas.models import Generation, Sampling, load_model
from persona_atlas.protocol import Request
from persona_atlas.render import instruct

REQUEST = Request("user-1", (), "How much dried pasta do I need for 4 people?")


@pytest.fixture
def meter(release: Release) -> Meter:
    return Meter(load_model("scripted"), Sampling(200), 10, release, train_items(release, 0))


@pytest.fixture
def made(tmp_path: Path, meter: Meter) -> Iterator[object]:
    """A function from a module's source to the sandbox that runs it with ten calls."""
    opened: list[Sandbox] = []

    def make(source: str, seconds: float = 20.0) -> Sandbox:
        (tmp_path / "asker.py").write_text(textwrap.dedent(source))
        sandbox = Sandbox(OptimizerSpec("asker", None, {}, str(tmp_path), seconds), 0, meter).__enter__()
        opened.append(sandbox)
        sandbox.start()
        return sandbox

    yield make
    for sandbox in opened:
        sandbox.__exit__(None, None, None)


def test_an_optimizer_may_ask_the_target(made) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        def optimize(request, context):
            answer, = context.model.generate([request.query], max_gen_toks=50)
            return f"{len(answer) > 0} {context.model.calls_left}"
    """)
    reply = sandbox.optimize(REQUEST)
    assert (reply.text, reply.failure) == ("True 9", None)
    assert reply.usage.calls == 1
    assert reply.usage.tokens > 20


def test_a_prompt_that_was_asked_before_is_free(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        def optimize(request, context):
            for _ in range(30):
                context.model.generate([request.query, request.query])
            return "done"
    """)
    assert sandbox.optimize(REQUEST).text == "done"
    assert meter.calls == 1


def test_a_resumed_run_pays_for_nothing_that_a_finished_request_asked(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        def optimize(request, context):
            context.model.generate(["the same for all", request.query])
            return str(context.model.calls_left)
    """)
    first = sandbox.optimize(REQUEST)
    assert (first.text, first.usage.calls, len(set(first.usage.asked))) == ("8", 2, 2)
    meter.calls, meter.known = first.usage.calls, set(first.usage.asked)  # as a new process begins
    second = sandbox.optimize(Request("user-2", (), "How much rice for 6?"))
    assert (second.text, second.usage.calls) == ("7", 1)
    assert not set(second.usage.asked) & set(first.usage.asked)


def test_who_asks_more_than_the_budget_holds_fails_with_the_reason_and_the_next_request_is_served(made) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        def optimize(request, context):
            if request.user == "user-1":
                context.model.generate([f"{request.query} {i}" for i in range(11)])
            return "done"
    """)
    assert str(sandbox.optimize(REQUEST).failure).startswith("BudgetError: the budget of 10 calls is used up: 10 are left and 11 were asked for")
    assert sandbox.optimize(Request("user-2", (), "?")).text == "done"


def test_an_optimizer_can_fit_on_scored_train_tasks(made, release: Release) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        FOUND = []

        def fit(train, context):
            FOUND.extend(context.score([(task, task.request.query) for task in train[:2]]))
            FOUND.append(len(train))

        def optimize(request):
            return f"{FOUND[2]} {FOUND[0].task} {FOUND[0].feedback}"
    """)
    text = str(sandbox.optimize(REQUEST).text)
    assert text.startswith(f"{min(FIT_TASKS, len(release.users('train')))} 1.0 ")
    assert "wanted" in text
    assert text.endswith("The task is solved.")
    assert sandbox.fit_usage.calls == 2


def test_a_class_may_fit_too(made) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        class Learner:
            def fit(self, train, context):
                self.calls = context.model.calls_left
            def optimize(self, request, context):
                return str(self.calls)
        optimize = Learner()
    """)
    assert sandbox.optimize(REQUEST).text == "10"


def test_a_fit_that_fails_is_told_before_anything_runs(made) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(EvalError, match="its fit failed: ZeroDivisionError"):
        made("def fit(train, context): 1 / 0\ndef optimize(request): return '!'")


def test_what_a_fit_writes_to_the_pipe_does_not_count_as_done(made) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(EvalError, match="its fit failed: strange output"):
        made("""
            def fit(train, context):
                context.model._send({})
            def optimize(request):
                return "!"
        """)


@pytest.mark.parametrize(
    ("seconds", "end", "why"),
    [
        (1.5, "time.sleep(60)", "timeout: it was not done within 1.5 s"),
        (60.0, "os._exit(3)", "crash: the optimizer's process ended with status 3"),
    ],
)
def test_a_process_that_is_lost_in_fit_is_told_as_that(seconds: float, end: str, why: str, made, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(harness, "FIT_SECONDS", seconds)
    with pytest.raises(EvalError) as error:
        made(f"""
            import os, time
            def fit(train, context):
                context.model.generate(["Why?"])
                time.sleep(0.1)
                {end}
            def optimize(request):
                return "!"
        """)
    assert str(error.value) == f"its fit failed: {why}"


def test_the_limit_is_told_and_not_what_was_left_of_it(made) -> None:  # type: ignore[no-untyped-def]
    sandbox = made(
        """
        import time
        def optimize(request, context):
            time.sleep(0.3)
            context.model.generate([request.query])
            time.sleep(60)
    """,
        seconds=0.6,
    )
    assert sandbox.optimize(REQUEST).failure == "timeout: no prompt within 0.6 s"


def test_an_answer_that_is_not_read_is_told_with_the_limit_of_reading(made, meter: Meter, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(harness, "SEND_SECONDS", 1.1)
    monkeypatch.setattr(meter, "serve", lambda message: {"answers": ["long " * 100_000], "left": 9})
    sandbox = made(
        """
        import os, signal
        def optimize(request, context):
            context.model._incoming.readline = lambda: os.kill(os.getpid(), signal.SIGSTOP)
            context.model.generate([request.query])
    """,
        seconds=1.0,
    )
    assert sandbox.optimize(REQUEST).failure == "timeout: what the target answered was not read within 1.1 s"


def test_the_time_in_which_answers_are_not_read_counts(made, meter: Meter, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(meter, "serve", lambda message: {"answers": ["long " * 100_000], "left": 9})
    sandbox = made(
        """
        import time
        def optimize(request, context):
            for _ in range(4):
                context.model._send({"ask": [request.query], "max_gen_toks": 20})
                time.sleep(1.5)
                context.model._incoming.readline()
            return request.query
    """,
        seconds=2.0,
    )
    assert sandbox.optimize(REQUEST).failure == "timeout: no prompt within 2 s"


def test_after_a_crash_it_fits_again_at_no_cost(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        import os
        TOLD = []
        def fit(train, context):
            TOLD.extend(context.model.generate(["One?", "Two?"]))
        def optimize(request):
            if request.query == "die":
                os._exit(3)
            return str(len(TOLD))
    """)
    assert "status 3" in str(sandbox.optimize(Request("u", (), "die")).failure)
    assert sandbox.optimize(REQUEST).text == "2"
    assert meter.calls == 2


def test_a_fit_that_fails_in_a_new_process_is_not_taken_for_a_bad_batch(made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    sandbox = made(f"""
        import os
        MARK = {str(tmp_path / "fitted")!r}
        def fit(train, context):
            with open(MARK, "a") as file:
                file.write("x")
            if 1 < os.path.getsize(MARK) < 4:
                raise ValueError("not now")
        def optimize(request):
            return "one"
        def optimize_batch(requests):
            return ["together"] * len(requests)
    """)
    sandbox.renew()
    assert sandbox.deaths == 1
    assert [reply.text for reply in sandbox.optimize_all([REQUEST, REQUEST])] == ["one", "one"]
    assert [reply.text for reply in sandbox.optimize_all([REQUEST, REQUEST])] == ["together", "together"]
    assert sandbox.batchless == ""


def test_a_second_fit_has_the_budget_of_the_first_and_learns_the_same(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        import os
        ROUNDS = []
        def fit(train, context):
            while context.model.calls_left >= 3:
                ROUNDS.append(context.model.generate([f"Round {len(ROUNDS)}?"]))
        def optimize(request, context):
            if request.query == "die":
                os._exit(3)
            context.model.generate([request.query])
            return f"{len(ROUNDS)} rounds, {context.model.calls_left} left"
    """)
    assert sandbox.optimize(Request("u", (), "first")).text == "8 rounds, 1 left"
    assert "status 3" in str(sandbox.optimize(Request("u", (), "die")).failure)
    assert sandbox.optimize(Request("u", (), "first")).text == "8 rounds, 1 left"
    assert sandbox.optimize(Request("u", (), "second")).text == "8 rounds, 0 left"
    assert (meter.calls, sandbox.fit_usage.calls) == (10, 8)


def test_an_optimizer_is_told_what_is_left_before_it_asks(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    meter.calls = 8  # by an earlier process of the same run
    assert made("def optimize(request, context): return str(context.model.calls_left)").optimize(REQUEST).text == "2"


def test_threads_that_ask_at_once_each_get_their_own_answers(made, meter: Meter, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(meter, "budget", 200)
    monkeypatch.setattr(meter, "model", Repeating())
    sandbox = made("""
        from concurrent.futures import ThreadPoolExecutor
        def optimize(request, context):
            prompts = [f"Number {i}?" for i in range(80)]
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda prompt: context.model.generate([prompt])[0], prompts))
            return f"{sum(prompt == answer for prompt, answer in zip(prompts, answers))} of 80, {context.model.calls_left} left"
    """)
    assert sandbox.optimize(REQUEST).text == "80 of 80, 120 left"


class Repeating:
    """Answers every prompt with itself, and loses the answers to those in `lost`."""

    name = fingerprint = "repeating"
    context_length = None

    def __init__(self, *lost: str) -> None:
        self.lost = set(lost)

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for i, prompt in enumerate(prompts):
            yield i, Generation("", "error", None, None, "HTTP 503") if prompt in self.lost else Generation(prompt, "stop", 1, 1)

    def count_tokens(self, text: str) -> int:
        return 1


def test_a_lost_answer_is_free_told_and_asked_for_again(made, meter: Meter, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(meter, "model", target := Repeating("One?"))
    sandbox = made("def optimize(request, context): return '/'.join(context.model.generate(['One?', 'Two?']))")
    reply = sandbox.optimize(REQUEST)
    assert (reply.text, reply.usage.calls, reply.usage.lost, meter.calls) == ("/Two?", 1, 1, 1)
    target.lost.clear()
    reply = sandbox.optimize(REQUEST)
    assert (reply.text, reply.usage.calls, reply.usage.lost, meter.calls) == ("One?/Two?", 1, 0, 2)


def test_a_fit_that_lost_answers_is_not_used(made, meter: Meter, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(meter, "model", Repeating("One?"))
    with pytest.raises(EvalError) as raised:
        made("""
            def fit(train, context):
                context.model.generate(["One?", "Two?"])
            def optimize(request):
                return "!"
        """)
    assert str(raised.value) == (
        "the target lost 1 of the answers that its fit asked for (HTTP 503); mend that if it lasts, and give the same command again"
    )


def test_a_second_fit_that_lost_answers_ends_the_run_and_fails_no_request(made, meter: Meter, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(meter, "model", target := Repeating())
    sandbox = made("""
        import os
        def fit(train, context):
            context.model.generate(["One?"])
        def optimize(request):
            os._exit(3)
    """)
    assert "status 3" in str(sandbox.optimize(REQUEST).failure)
    target.lost.add("One?")
    with pytest.raises(EvalError, match="the target lost 1 of the answers"):
        sandbox.optimize(REQUEST)


def test_without_calls_the_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "asker.py").write_text("def optimize(request, context): return context.model.generate(['Hello?'])[0]")
    with Sandbox(OptimizerSpec("asker", None, {}, str(tmp_path), 20.0), 0) as sandbox:
        assert "allow some with --optimizer_calls" in str(sandbox.optimize(REQUEST).failure)


def test_scores_are_for_fit_alone_and_say_so_where_calls_are_allowed(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        from persona_atlas.protocol import BudgetError
        def optimize(request, context):
            if request.query == "caught":
                try:
                    context.score([])
                except BudgetError:
                    return "caught"
            context.score([])
    """)
    assert str(sandbox.optimize(REQUEST).failure).startswith("BudgetError: context.score works in fit alone")
    assert sandbox.optimize(Request("u", (), "caught")).text == "caught"


def test_the_model_scores_in_fit_alone(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        from persona_atlas.protocol import TrainTask
        def fit(train, context):
            context.model.score([(train[0], "Why?")])
        def optimize(request, context):
            context.model.score([(TrainTask(0, request), "How?")])
    """)
    assert str(sandbox.optimize(REQUEST).failure).startswith("BudgetError: context.score works in fit alone")
    assert meter.calls == 1


def test_the_clock_stands_still_while_the_target_answers(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    meter.model = Slow()
    sandbox = made(
        """
        def optimize(request, context):
            return context.model.generate([request.query])[0]
    """,
        seconds=1.0,
    )
    assert sandbox.optimize(REQUEST).text == "slow"


class Slow:
    name, fingerprint, context_length = "slow", "slow", 100

    def count_tokens(self, text: str) -> int:
        return 1

    def generate(self, prompts, sampling):  # type: ignore[no-untyped-def]
        import time

        from persona_atlas.models.protocol import Generation

        time.sleep(1.2)
        yield from ((i, Generation("slow", "stop", 1, 1)) for i in range(len(prompts)))


@pytest.mark.parametrize(
    "message",
    [
        {"ask": "text", "max_gen_toks": 10},
        {"ask": [""], "max_gen_toks": 10},
        {"ask": ["a"] * 1000, "max_gen_toks": 10},
        {"ask": ["a"], "max_gen_toks": 10**9},
        {"ask": ["a"]},
        {"ask": ["half a pair: \ud83d"], "max_gen_toks": 10},
        {"score": [[99_999, "a"]]},
        {"score": [[True, "a"]]},
        {"score": "all"},
    ],
)
def test_what_is_no_question_is_refused(meter: Meter, message: dict[str, object]) -> None:
    with pytest.raises(StrangeMessageError):
        meter.serve(message)
    assert meter.calls == 0


NOT_TAKEN = {
    "more tokens than a target gives": ("[request.query], max_gen_toks=2048", "ValueError: max_gen_toks is 2,048, wanted 1 to 1,024"),
    "no tokens": ("[request.query], max_gen_toks=0", "ValueError: max_gen_toks is 0, wanted 1 to 1,024"),
    "half a token": ("[request.query], max_gen_toks=0.5", "TypeError: 'float' object cannot be interpreted as an integer"),
    "too many prompts": ("[str(i) for i in range(513)]", "ValueError: 513 prompts were asked at once, at most 512 are taken"),
    "a blank prompt": ("[request.query, ' ']", "ValueError: a prompt is blank"),
    "too long a prompt": ("['x' * 100_001]", "ValueError: a prompt has 100,001 characters, at most 100,000 are taken"),
    "long prompts": ("[f'{i}' + 'x' * 90_000 for i in range(30)]", "ValueError: the prompts have 2,700,"),
    "what no file could hold": (r"['half a pair: \ud83d']", "ValueError: a prompt holds half a surrogate pair"),
    "one text": ("request.query", "TypeError: generate was given one text, wanted a list of prompts: [prompt]"),
    "a number": ("[5]", "TypeError: a prompt is a int, wanted a text"),
}


@pytest.mark.parametrize("fault", NOT_TAKEN)
def test_what_the_target_is_not_asked_can_be_caught_and_costs_nothing(fault: str, made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    asked, sentence = NOT_TAKEN[fault]
    sandbox = made(f"""
        import os
        OWN = os.getpid()
        def optimize(request, context):
            if request.user == "asks":
                context.model.generate({asked})
            try:
                context.model.generate({asked})
            except (TypeError, ValueError) as error:
                return f"{{OWN}}: caught {{error}}"
    """)
    before = sandbox.optimize(Request("catches", (), "Why?")).text
    assert sentence.partition(": ")[2] in str(before)
    assert str(sandbox.optimize(Request("asks", (), "Why?")).failure).startswith(sentence)
    assert sandbox.optimize(Request("catches", (), "Why?")).text == before
    assert (meter.calls, sandbox.deaths) == (0, 0)


@pytest.mark.parametrize("asked", ["' '", "'x' * 100_001"])
def test_what_the_target_is_not_asked_is_not_scored_either(asked: str, made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made(f"""
        FOUND = []
        def fit(train, context):
            for attempts in ([(train[0], {asked})], [(train[0], "A?")] * 513):
                try:
                    context.score(attempts)
                except ValueError as error:
                    FOUND.append(str(error))
        def optimize(request):
            return "; ".join(FOUND)
    """)
    assert str(sandbox.optimize(REQUEST).text).endswith("513 prompts were asked at once, at most 512 are taken")
    assert meter.calls == 0


def test_the_largest_promised_questions_are_answered(made, meter: Meter) -> None:  # type: ignore[no-untyped-def]
    sandbox = made("""
        def optimize(request, context):
            longest = context.model.generate((prompt for prompt in ["x" * 100_000]), max_gen_toks=1024)
            many = context.model.generate(["Why?"] * 512, max_gen_toks=1)
            much = context.model.generate(["y" * 99_000] * 20)
            return f"{len(longest)} {len(many)} {len(much)}"
    """)
    assert sandbox.optimize(REQUEST).text == "1 512 20"
    assert meter.calls == 3


def test_a_prompt_that_shows_the_users_values_scores_higher_than_the_query(meter: Meter) -> None:
    i, item = next((i, item) for i, item in enumerate(meter.items) if len(item.gold) > 1 and not item.hard)
    meter.scoring = True
    told = instruct(item.query, [(gold.dimension, gold.value) for gold in item.gold])
    scores = meter.serve({"score": [[i, told], [i, item.query]]})["scores"]
    assert scores[0][0] > scores[1][0]
    assert "missed" not in scores[0][3]


def test_fit_is_given_no_user_on_whom_the_run_is_scored(release: Release) -> None:
    users = {item.persona_id for item in release.items("train")}
    scored = {item.persona_id for item in train_items(release, 3)[:5]}
    assert {item.persona_id for item in train_items(release, 3, but=scored)} <= users - scored
    assert train_items(release, 3, but=users) == []


def test_the_same_train_items_for_the_same_seed_one_a_user(release: Release) -> None:
    items = train_items(release, 3)
    assert items == train_items(release, 3)
    assert items != train_items(release, 4)
    assert len({item.persona_id for item in items}) == len(items)
    assert {item.split for item in items} == {"train"}
