"""PPOpt's replies become prompts: the profile typed, a malformed or lossy reply replaced by the query, and everything noted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from eval_harness.prepare import read_arguments
from persona_atlas.data import history, load_dataset, messages
from persona_atlas.models.digest import path_digest
from persona_atlas.models.protocol import Generation, ModelError, Sampling, Token
from persona_atlas.ppopt.base import ADAPTER, SETTINGS, Settings, base_path, read_settings
from persona_atlas.ppopt.cases import Case, Mix, cases
from persona_atlas.ppopt.chats import read_written
from persona_atlas.ppopt.optimizer import PPOpt, shipped
from persona_atlas.ppopt.text import Finding, by_user, parse, written
from persona_atlas.ppopt.wishes import asking, wishes
from persona_atlas.protocol import Context, Message, ProfileEntry, Prompt, Request

QUERY = "How much rice for 6?"
REQUEST = Request("user-1", ((Message("user", "Use bullet points from now on."), Message("assistant", "Yes.")),), QUERY)
BULLETS = wishes()["structure", "bulleted"].ask[0]
FINDING = Finding("Use bullet points from now on.", "so this user wants bullet points.")


class Policy:
    """Answers every prompt with the same reply, and remembers what it was asked."""

    name, fingerprint, context_length = "policy", "policy", None

    def __init__(self, reply: str) -> None:
        self.reply, self.asked = reply, []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        self.asked.extend(prompts)
        for index in reversed(range(len(prompts))):
            yield index, Generation(self.reply, "stop", 1, 1)


@pytest.fixture
def optimizer(monkeypatch: pytest.MonkeyPatch) -> PPOpt:
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.read_settings", lambda folder: Settings("smollm2", 50, True, 64))
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.load_policy", lambda folder, engine, base: Policy(""))
    return PPOpt("anywhere")


def optimized(optimizer: PPOpt, reply: str):  # type: ignore[no-untyped-def]
    optimizer.model = Policy(reply)
    return optimizer.optimize(REQUEST, Context(0, 30.0))


def test_as_much_history_is_read_as_is_told(optimizer: PPOpt, monkeypatch: pytest.MonkeyPatch) -> None:
    chats = tuple((Message("user", f"Chat {number} of ten words, no more and no less, see."),) for number in range(9))
    for tokens, shown in ((None, 3), (1000, 9), (1, 0)):
        reader = PPOpt("anywhere", history_tokens=tokens)
        reader.optimize(Request("user-1", chats, QUERY), Context(0, 30.0))
        assert reader.model.asked[0].count("User: Chat") == shown


@pytest.mark.parametrize(("written", "heeded"), [("False", False), ("false", False), ("0", False), ("True", True), ("1", True)])
def test_answers_are_heeded_as_the_argument_says(written: str, heeded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    by_chats(monkeypatch, Reader({}))
    assert PPOpt("anywhere", **read_arguments(f"answers={written}")).answers is heeded


class Reader(Policy):
    """Says of a chat what `chats` has under a word of it, and asks for bullet points in every prompt. Gives no reply to what has the word `lost`."""

    def __init__(self, chats: dict[str, str]) -> None:
        super().__init__("")
        self.chats = chats
        self.tokens: tuple[Token, ...] = ()
        self.lost: str | None = None

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        self.asked.extend(prompts)
        for index, prompt in enumerate(prompts):
            known = next((reply for word, reply in self.chats.items() if word in prompt), "")
            reply = written(None, f"{QUERY}\n\n{BULLETS}") if "New question" in prompt else known
            failed = self.lost is not None and self.lost in prompt
            yield index, Generation("", "error", None, None, "it is down") if failed else Generation(reply, "stop", 1, 1, tokens=self.tokens)


def by_chats(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> PPOpt:
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.read_settings", lambda folder: Settings("smollm2", 50, True, 64, "chats"))
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.load_policy", lambda folder, engine, base: reader)
    return PPOpt("anywhere")


def test_a_chat_whose_reading_did_not_come_is_noted_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader({"onions": read_written([FINDING])})
    optimizer = by_chats(monkeypatch, reader)
    request = Request("user-1", ((Message("user", "Tell me about onions."),),), QUERY)
    reader.lost = "onions"
    assert optimizer.optimize(request, Context(0, 30.0)) == Prompt(QUERY, notes="a chat was not read: it is down")
    reader.lost = None
    assert optimizer.optimize(request, Context(0, 30.0)) == Prompt(
        asking(QUERY, [BULLETS]), (ProfileEntry("structure", "bulleted", FINDING.evidence),)
    )


def test_a_prompt_that_did_not_come_is_noted_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader({"onions": read_written([FINDING])})
    optimizer = by_chats(monkeypatch, reader)
    request = Request("user-1", ((Message("user", "Tell me about onions."),),), QUERY)
    reader.lost = "New question"
    assert optimizer.optimize(request, Context(0, 30.0)).notes == "fallback to the query: it is down"
    reader.lost = None
    assert optimizer.optimize(request, Context(0, 30.0)).text == asking(QUERY, [BULLETS])


def test_a_reply_that_did_not_come_is_noted(optimizer: PPOpt) -> None:
    reader = optimizer.model = Reader({})
    reader.lost = QUERY
    assert optimizer.optimize(REQUEST, Context(0, 30.0)) == Prompt(QUERY, notes="fallback to the query: it is down")


def test_each_chat_is_read_once_and_the_question_under_all(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader({"onions": read_written([FINDING]), "soup": read_written([]), "tea": "no form"})
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.read_settings", lambda folder: Settings("smollm2", 50, True, 64, "chats"))
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.load_policy", lambda folder, engine, base: reader)
    optimizer = PPOpt("anywhere")
    onions, soup, tea = ((Message("user", f"Tell me about {word}."),) for word in ("onions", "soup", "tea"))
    first = optimizer.optimize(Request("user-1", (onions, soup), QUERY), Context(0, 30.0))
    assert first == Prompt(asking(QUERY, [BULLETS]), (ProfileEntry("structure", "bulleted", FINDING.evidence),))
    assert ["- bullet points\n" in prompt for prompt in reader.asked] == [False, False, True]
    again = optimizer.optimize_batch([Request("user-1", (onions, soup, tea), QUERY), Request("user-2", (), QUERY)], Context(0, 30.0))[0]
    assert again == replace(first, notes="a chat was read in part: no profile")
    assert [prompt.split("User: ")[-1] for prompt in reader.asked[3:4]] == ["Tell me about tea."]
    assert len(reader.asked) == 5
    assert dict(optimizer.counts) == {"well-formed": 5, "of a chat: no profile": 1}


@pytest.mark.parametrize(
    ("twice", "again", "text"),
    [
        (False, "but that was somebody else.", asking(QUERY, [BULLETS])),
        (True, "but that was somebody else.", QUERY),
        (True, "so this user wants bullet points.", asking(QUERY, [BULLETS])),
        (True, None, asking(QUERY, [BULLETS])),
    ],
)
def test_a_wish_that_is_somebody_else_s_when_it_is_read_again_does_not_count(
    twice: bool, again: str | None, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Use bullet points."
    reader = Reader(
        {"here, so use": read_written([Finding("so use bullet points", again or "")]), "here. Use": read_written([replace(FINDING, evidence=said)])}
    )
    reader.lost = "here, so use" if again is None else None
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.read_settings", lambda folder: Settings("smollm2", 50, True, 64, "chats"))
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.load_policy", lambda folder, engine, base: reader)
    chat = (Message("user", f"Only a guest here. {said}"),)
    optimizer = PPOpt("anywhere", twice=twice)
    assert optimizer.optimize(Request("user-1", (chat,), QUERY), Context(0, 30.0)).text == text
    assert sum("here, so use" in prompt for prompt in reader.asked) == twice
    assert optimizer.counts["of a wish: not the user's own"] == (text == QUERY)


@pytest.mark.parametrize("argument", [{"twice": True}, {"sure": 0.9}, {"own": 0.0}, {"answers": False}])
def test_what_is_for_reading_chats_is_refused_for_whole_histories(argument: dict[str, Any], optimizer: PPOpt) -> None:
    (name,) = argument
    with pytest.raises(ModelError, match=f"{name}= is for a policy that reads chat by chat, and the one in anywhere reads whole histories"):
        PPOpt("anywhere", **argument)


def test_readings_that_are_not_in_the_right_form_are_noted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    optimizer = by_chats(monkeypatch, Reader({"tea": "no form", "soup": "no form", "rice": read_written([])}))
    tea, soup, rice = ((Message("user", f"Tell me about {word}."),) for word in ("tea", "soup", "rice"))
    for _ in range(2):
        assert optimizer.optimize(Request("user-1", (rice, tea), QUERY), Context(0, 30.0)).notes == "a chat was read in part: no profile"
        assert optimizer.optimize(Request("user-1", (soup, tea), QUERY), Context(0, 30.0)).notes == "2 chats were read in part: no profile"
        assert optimizer.optimize(Request("user-1", (rice,), QUERY), Context(0, 30.0)).notes == ""


def test_a_reading_that_the_policy_doubts_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    doubted = [
        Token(f"<profile>\n{FINDING}".removesuffix(" bullet points."), 0.0),
        Token(" bullet points.", math.log(0.3)),
        Token("\n</profile>", 0.0),
    ]
    reader = Reader({"onions": "".join(token.text for token in doubted)})
    reader.tokens = tuple(doubted)
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.read_settings", lambda folder: Settings("smollm2", 50, True, 64, "chats"))
    monkeypatch.setattr("persona_atlas.ppopt.optimizer.load_policy", lambda folder, engine, base: reader)
    request = Request("user-1", ((Message("user", "Tell me about onions."),),), QUERY)
    assert PPOpt("anywhere").optimize(request, Context(0, 30.0)).profile == ()
    assert PPOpt("anywhere", sure=0.3).optimize(request, Context(0, 30.0)).profile == (ProfileEntry("structure", "bulleted", FINDING.evidence),)


@pytest.mark.parametrize("name", ["sure", "own"])
@pytest.mark.parametrize("given", [-0.1, 1.1, float("nan"), "high"])
def test_what_is_no_probability_is_refused(name: str, given: object) -> None:
    with pytest.raises(ModelError, match=f"{name}={given} is no probability"):
        PPOpt(**{name: given})  # type: ignore[arg-type]


@pytest.mark.parametrize("tokens", [0, -5, 1.5, "many"])
def test_what_is_no_number_of_tokens_is_refused(tokens: object) -> None:
    with pytest.raises(ModelError, match=r"history_tokens=.* is no whole number of at least 1"):
        PPOpt(history_tokens=tokens)  # type: ignore[arg-type]


def test_a_checkpoint_in_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / ADAPTER).touch()
    (tmp_path / SETTINGS).write_text('{"base": "smollm2", "history_tokens": 50, "profile": true, "new_tokens": 64, "reads": "pages"}')
    with pytest.raises(ModelError, match="reads is 'pages', wanted one of whole, chats"):
        read_settings(tmp_path)


@pytest.mark.parametrize("flag", ["answers", "twice"])
@pytest.mark.parametrize("given", ["no", "yes", 2, None])
def test_what_is_neither_true_nor_false_is_refused(flag: str, given: object) -> None:
    with pytest.raises(ModelError, match=f"{flag}={given} is neither true nor false"):
        PPOpt(**{flag: given})  # type: ignore[arg-type]


def test_the_adapter_that_ships_is_of_the_embedded_model() -> None:
    settings = read_settings(shipped())
    with safe_open(shipped() / ADAPTER, "numpy") as adapter:
        assert adapter.metadata()["base_sha256"] == path_digest(base_path(settings.base, shipped()))
    assert (shipped() / ADAPTER).stat().st_size <= 16 * 2**20
    assert path_digest(shipped() / ADAPTER) in (shipped() / "README.md").read_text(encoding="utf-8")


def test_a_good_reply_is_the_prompt_and_the_profile(optimizer: PPOpt) -> None:
    prompt = optimized(optimizer, written((FINDING,), f"{QUERY}\n\nUse bullet points."))
    assert prompt.text == f"{QUERY}\n\nUse bullet points."
    assert prompt.profile == (ProfileEntry("structure", "bulleted", FINDING.evidence),)
    assert prompt.notes == ""


@pytest.mark.parametrize(
    ("reply", "text", "note"),
    [
        ("I like rice.", QUERY, "fallback to the query: no prompt"),
        (written((FINDING,), "How much rice? Use bullet points."), QUERY, "fallback to the query: lost the number 6"),
        (f"<prompt>\n{QUERY} Use bullets.", f"{QUERY} Use bullets.", "malformed: tags"),
    ],
)
def test_what_is_wrong_is_mended_noted_and_counted(optimizer: PPOpt, reply: str, text: str, note: str) -> None:
    prompt = optimized(optimizer, reply)
    assert (prompt.text, prompt.notes) == (text, note)
    assert sum(optimizer.counts.values()) == 1
    assert "well-formed" not in optimizer.counts


def test_a_history_beyond_the_budget_loses_its_oldest_chats(optimizer: PPOpt) -> None:
    chats = tuple((Message("user", f"chat {i} " + "word " * 20), Message("assistant", "Yes.")) for i in range(4))
    policy = optimizer.model = Policy(written((), QUERY))
    optimizer.optimize_batch([Request("user-1", chats, QUERY), REQUEST], Context(0, 30.0))
    assert "chat 3" in policy.asked[0]
    assert "chat 2" not in policy.asked[0]
    assert "Use bullet points from now on." in policy.asked[1]


def cases_as_they_are(budget: int, number: int = 12) -> list[Case]:
    """Cases of histories that are cut to the budget, and changed in no other way."""
    mix = Mix(noise=0.0, twins=0.0, anew=0.0, shorter=0.0, budget=budget)
    return list(cases(load_dataset(), mix, range(number), Policy("").count_tokens, 0))


@pytest.mark.parametrize("budget", [1, 15, 40, 300, 1_000_000])
def test_the_optimizer_reads_what_training_cases_of_the_same_budget_show(budget: int, optimizer: PPOpt) -> None:
    release = load_dataset()
    items = {item.item_id: item for item in release.items("train")}
    policy, optimizer.history_tokens = Policy(""), budget
    optimizer.model = policy
    made = cases_as_they_are(budget)
    requests = [Request("user-1", messages(history(items[case.item_id], release)), case.query) for case in made]
    optimizer.optimize_batch(requests, Context(0, 30.0))
    assert policy.asked == [case.reads for case in made]
    assert all(("User: " in case.reads) == bool(request.history) for case, request in zip(made, requests, strict=True))


def test_a_case_of_a_chat_that_is_cut_quotes_and_wants_only_what_is_left_of_it() -> None:
    whole, cut = cases_as_they_are(1_000_000, 60), cases_as_they_are(25, 60)
    quotes = [(finding.evidence, case) for case in cut for finding in parse(case.writes).findings]
    assert all(quote in by_user(case.reads) for quote, case in quotes)
    assert 0 < len(quotes) < sum(len(parse(case.writes).findings) for case in whole)
    assert all(line in " ".join(case.said.split()) for case in cut for line in by_user(case.reads).splitlines())
