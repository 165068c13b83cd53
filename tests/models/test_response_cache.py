"""The cache of answers: nothing is generated twice, nothing is lost, errors are asked again."""

import dataclasses
import multiprocessing
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from persona_atlas.models.cache import CachedModel, ResponseCache, cache_key
from persona_atlas.models.protocol import Generation, ModelError, Sampling, Token

SAMPLING = Sampling(max_gen_toks=8)


class RecordingModel:
    """Answers each prompt with itself in capitals, last first, and notes what it was asked."""

    name = "recording"
    context_length = None

    def __init__(self, fingerprint: str = "v1", failing: Sequence[str] = (), too_long: Sequence[str] = (), dies_after: int | None = None) -> None:
        self.fingerprint = fingerprint
        self.failing, self.too_long = set(failing), set(too_long)
        self.dies_after = dies_after
        self.asked: list[str] = []

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for number, (index, prompt) in enumerate(reversed(list(enumerate(prompts)))):
            if number == self.dies_after:
                raise ModelError("the server went away")
            self.asked.append(prompt)
            if prompt in self.failing:
                yield index, Generation("", "error", None, None, "refused")
            elif prompt in self.too_long:
                yield index, Generation("", "context_overflow", 9, None, "too long")
            else:
                yield index, Generation(prompt.upper(), "stop", 3, 2)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ResponseCache]:
    cache = ResponseCache(tmp_path / "answers.sqlite")
    yield cache
    cache.close()


def texts(model: CachedModel, prompts: Sequence[str], sampling: Sampling = SAMPLING) -> list[str]:
    return [generation.text for _, generation in sorted(model.generate(prompts, sampling), key=lambda pair: pair[0])]


def test_half_a_surrogate_pair_is_replaced_in_what_is_new_and_in_what_is_known(cache: ResponseCache) -> None:
    cache.put({cache_key("v1", "known", SAMPLING): Generation("\ud83d ok", "stop", 1, 1)})
    assert texts(CachedModel(RecordingModel(), cache), ["known", "new \ude00"]) == ["? ok", "NEW ?"]
    assert [answer.text for answer in cache.get([cache_key("v1", "new \ude00", SAMPLING)]).values()] == ["NEW ?"]


def test_answers_are_the_models(cache: ResponseCache) -> None:
    assert texts(CachedModel(RecordingModel(), cache), ["a", "b"]) == ["A", "B"]


def test_a_known_prompt_is_not_generated_again(cache: ResponseCache) -> None:
    texts(CachedModel(RecordingModel(), cache), ["a", "b"])
    second = RecordingModel()
    cached = CachedModel(second, cache)
    assert texts(cached, ["b", "c", "a"]) == ["B", "C", "A"]
    assert second.asked == ["c"]
    assert (cached.hits, cached.generated, cached.generated_tokens) == (2, 1, 2)


def test_known_answers_come_in_the_order_in_which_they_are_asked_for(cache: ResponseCache) -> None:
    prompts = [f"prompt {number % 40}" for number in range(50)]
    texts(CachedModel(RecordingModel(), cache), prompts)
    assert [index for index, _ in CachedModel(RecordingModel(), cache).generate(prompts, SAMPLING)] == list(range(50))
    some = ["new", *prompts[::-1]]
    assert [index for index, _ in CachedModel(RecordingModel(), cache).generate(some, SAMPLING)] == [*range(1, 51), 0]


def test_equal_prompts_of_one_call_are_generated_once(cache: ResponseCache) -> None:
    model = RecordingModel()
    cached = CachedModel(model, cache)
    assert texts(cached, ["a", "b", "a", "a"]) == ["A", "B", "A", "A"]
    assert sorted(model.asked) == ["a", "b"]
    assert (cached.hits, cached.generated) == (2, 2)


def test_an_error_is_yielded_and_asked_again(cache: ResponseCache) -> None:
    assert texts(CachedModel(RecordingModel(failing=["b"]), cache), ["a", "b"]) == ["A", ""]
    second = RecordingModel()
    assert texts(CachedModel(second, cache), ["a", "b"]) == ["A", "B"]
    assert second.asked == ["b"]


def test_a_prompt_that_was_too_long_is_asked_again(cache: ResponseCache) -> None:
    cached = CachedModel(RecordingModel(too_long=["b"]), cache)
    assert [generation.finish_reason for _, generation in cached.generate(["b"], SAMPLING)] == ["context_overflow"]
    assert texts(CachedModel(RecordingModel(), cache), ["b"]) == ["B"]


@pytest.mark.parametrize(
    "other",
    [
        cache_key("v2", "a", SAMPLING),
        cache_key("v1", "a ", SAMPLING),
        cache_key("v1", "a", Sampling(max_gen_toks=9)),
        cache_key("v1", "a", Sampling(max_gen_toks=8, temperature=0.5)),
        cache_key("v1", "a", Sampling(max_gen_toks=8, seed=1)),
        cache_key("v1", "a", SAMPLING, repeat=1),
    ],
)
def test_whatever_bears_on_an_answer_changes_the_key(other: str) -> None:
    assert other != cache_key("v1", "a", SAMPLING)


def test_a_prompt_with_half_a_surrogate_pair_has_a_key() -> None:
    assert len(cache_key("v1", "\ud83d", SAMPLING)) == 64


def test_repeats_are_drawn_anew(cache: ResponseCache) -> None:
    model = RecordingModel()
    texts(CachedModel(model, cache), ["a"])
    texts(CachedModel(model, cache, repeat=1), ["a"])
    assert model.asked == ["a", "a"]


def test_more_prompts_than_fit_one_query(cache: ResponseCache) -> None:
    prompts = [f"prompt {number}" for number in range(1203)]
    texts(CachedModel(RecordingModel(), cache), prompts)
    cached = CachedModel(RecordingModel(), cache)
    assert texts(cached, prompts) == [prompt.upper() for prompt in prompts]
    assert cached.hits == len(cache) == 1203


def test_what_came_before_the_models_failure_is_kept(cache: ResponseCache) -> None:
    with pytest.raises(ModelError, match="went away"):
        texts(CachedModel(RecordingModel(dies_after=2), cache), ["a", "b", "c"])
    second = RecordingModel()
    assert texts(CachedModel(second, cache), ["a", "b", "c"]) == ["A", "B", "C"]
    assert second.asked == ["a"]


def test_an_answer_is_stored_before_anybody_gets_it(cache: ResponseCache) -> None:
    for count, _ in enumerate(CachedModel(RecordingModel(), cache).generate(["a", "b", "c"], SAMPLING), 1):
        assert len(ResponseCache(cache.path)) == count


def test_what_came_before_the_caller_stopped_listening_is_kept(cache: ResponseCache) -> None:
    answers = CachedModel(RecordingModel(), cache).generate(["a", "b"], SAMPLING)
    next(answers)
    del answers
    assert len(cache) == 1


def _write_until_killed(path: Path) -> None:
    cache = ResponseCache(path)
    cache.put({"whole": Generation("kept", "stop", 1, 1)})
    cache._database.execute("BEGIN IMMEDIATE")
    cache._database.execute("INSERT INTO answers VALUES ('half', '{}')")
    os._exit(9)  # as a kill does: no commit, no close, no cleaning up


def test_a_killed_writer_leaves_a_usable_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    writer = multiprocessing.get_context("spawn").Process(target=_write_until_killed, args=(path,))
    writer.start()
    writer.join()
    assert writer.exitcode == 9
    cache = ResponseCache(path)
    assert cache.get(["whole", "half"]) == {"whole": Generation("kept", "stop", 1, 1)}
    cache.put({"more": Generation("written", "stop", 1, 1)})
    assert len(cache) == 2
    cache.close()


def test_two_open_files_share_answers_and_the_first_answer_stays(tmp_path: Path) -> None:
    one, two = ResponseCache(tmp_path / "answers.sqlite"), ResponseCache(tmp_path / "answers.sqlite")
    one.put({"key": Generation("first", "stop", 1, 1)})
    two.put({"key": Generation("second", "stop", 1, 1)})
    assert one.get(["key"])["key"].text == two.get(["key"])["key"].text == "first"
    one.close()
    two.close()


def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, which are long enough to be taken for a database header" * 20)
    with pytest.raises(ModelError, match=r"notes\.txt cannot be used as a response cache"):
        ResponseCache(path)
    assert path.read_text().startswith("my notes")


def test_a_file_that_another_program_holds_is_told_in_one_sentence(cache: ResponseCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_atlas.models.cache._SECONDS_LOCKED", 0.01)
    holder = sqlite3.connect(tmp_path / "held.sqlite", isolation_level=None)
    holder.execute("CREATE TABLE other (a)")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ModelError, match=r"held\.sqlite cannot be used .*\(database is locked\): end the other program that holds it, and resume"):
        ResponseCache(tmp_path / "held.sqlite")
    holder.close()

    cache._database.execute("PRAGMA busy_timeout=10")
    holder = sqlite3.connect(cache.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(ModelError, match=r"answers\.sqlite cannot be used .*\(database is locked\): end the other program"):
        cache.put({"key": Generation("lost", "stop", 1, 1)})
    holder.close()
    cache.put({"key": Generation("kept", "stop", 1, 1)})
    assert cache.get(["key"])["key"].text == "kept"


def test_a_full_disk_is_told_in_one_sentence_and_leaves_the_file_usable(cache: ResponseCache) -> None:
    pages = cache._database.execute("PRAGMA page_count").fetchone()[0]
    cache._database.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(ModelError, match=r"answers\.sqlite .*\(database or disk is full\): make room on its disk, and resume"):
        cache.put({str(number): Generation("long " * 1000, "stop", 1, 1) for number in range(9)})
    cache._database.execute("PRAGMA max_page_count=1000")
    cache.put({"key": Generation("kept", "stop", 1, 1)})
    assert len(cache) == 1


def test_a_file_that_may_not_be_written_is_told_in_one_sentence(cache: ResponseCache) -> None:
    cache._database.execute("PRAGMA query_only=ON")
    with pytest.raises(ModelError, match=r"answers\.sqlite .*readonly database\): make it and its folder writable"):
        cache.put({"key": Generation("lost", "stop", 1, 1)})


def test_a_file_that_breaks_is_told_in_one_sentence(cache: ResponseCache) -> None:
    cache.put({str(number): Generation("text", "stop", 1, 1) for number in range(900)})
    cache.close()
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[:8192] + b"\0" * (len(whole) - 8192))
    broken = ResponseCache(cache.path)
    with pytest.raises(ModelError, match=r"answers\.sqlite cannot be used as a response cache .*: delete it, or pass another file"):
        broken.get([str(number) for number in range(900)])
    broken.close()


NEWER = '{"text": "A", "finish_reason": "stop", "prompt_tokens": 3, "answer_tokens": 2, "error": null, "mood": "good"}'
UNKNOWN_END = '{"text": "A", "finish_reason": "bored", "prompt_tokens": 3, "answer_tokens": 2, "error": null}'
NO_TEXT = '{"text": 5, "finish_reason": "stop", "prompt_tokens": 3, "answer_tokens": 2, "error": null}'


@pytest.mark.parametrize("row", ["{", '{"text": "a"}', '{"words": "a"}', "[]", "5", NEWER, UNKNOWN_END, NO_TEXT])
def test_an_answer_that_this_version_cannot_read_is_told_asked_again_and_replaced(row: str, cache: ResponseCache) -> None:
    texts(CachedModel(RecordingModel(), cache), ["b"])
    cache._database.execute("INSERT INTO answers VALUES (?, ?)", [cache_key("v1", "a", SAMPLING), row])
    with pytest.warns(UserWarning, match=r"answers\.sqlite holds answers that this version cannot read, such as '.*': they are asked again"):
        assert texts(CachedModel(RecordingModel(), cache), ["a", "b"]) == ["A", "B"]
    again = RecordingModel()
    assert texts(CachedModel(again, ResponseCache(cache.path)), ["a", "b"]) == ["A", "B"]
    assert again.asked == []


def test_an_answer_that_another_process_put_in_place_of_an_unreadable_one_stays(cache: ResponseCache) -> None:
    cache._database.execute("INSERT INTO answers VALUES ('key', '{')")
    with pytest.warns(UserWarning, match="cannot read"):
        assert cache.get(["key"]) == {}
    cache._database.execute("UPDATE answers SET generation = ?", [NEWER.replace(', "mood": "good"', "")])
    cache.put({"key": Generation("second", "stop", 1, 1)})
    assert cache.get(["key"])["key"].text == "A"


def test_tokens_are_not_kept(cache: ResponseCache) -> None:
    answer = Generation("a", "stop", 1, 1)
    cache.put({"key": dataclasses.replace(answer, tokens=(Token("a", -0.5),))})
    assert cache.get(["key"]) == {"key": answer}


def test_the_file_is_plain_sqlite_with_generations_as_json(cache: ResponseCache) -> None:
    texts(CachedModel(RecordingModel(), cache), ["a"])
    (row,) = sqlite3.connect(cache.path).execute("SELECT * FROM answers").fetchall()
    assert row == (
        cache_key("v1", "a", SAMPLING),
        '{"text": "A", "finish_reason": "stop", "prompt_tokens": 3, "answer_tokens": 2, "error": null}',
    )
