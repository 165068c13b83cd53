"""What `import-ppopt` says of files and folders that it cannot use: one sentence, status 2, and nothing is left behind."""

import codecs
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from generation.cli import main
from generation.imported.read import Chat, read_file
from persona_atlas.data import open_release

Refused = Callable[[Result], str]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# FILE


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "FILE is empty, wanted objects with full_conversation"),
        ("\ufeff \n\n", "FILE is empty, wanted objects with full_conversation"),
        ("[]", "FILE is empty, wanted objects with full_conversation"),
        ("hello\n", "FILE, line 1 is not readable as JSON (Expecting value: line 1 column 1 (char 0)); it may be cut off: copy the file again"),
        ('{"state_id": "s", "history_te', "FILE, line 1 is not readable as JSON (Unterminated string"),
        ('[{"sample_id": "s"}, {', "FILE is not readable as JSON (Expecting property name"),
        ("[" * 100_000, "FILE is JSON beyond what can be read (maximum recursion depth exceeded"),
        ('{"history_texts": ' + "1" * 5_000 + "}", "FILE, line 1 is JSON beyond what can be read (Exceeds the limit"),
        ('[{"name": "x", "age": 3}]', "FILE, entry 1 is an object with name, age, wanted objects with full_conversation"),
        ('{"a\\nb": 1, "\\ud800": 2}', "FILE, line 1 is an object with a b, \\ud800, wanted objects with full_conversation"),
        ("{}", "FILE, line 1 is an object with nothing in it, wanted objects with full_conversation"),
        ("[1, 2]", "FILE, entry 1 is a number, wanted objects with full_conversation"),
        ("42", "FILE, line 1 is a number, wanted objects with full_conversation"),
        ("NaN", "FILE, line 1 is a number, wanted objects with full_conversation"),
        ("null", "FILE, line 1 is null, wanted objects with full_conversation"),
        ("true", "FILE, line 1 is true or false, wanted objects with full_conversation"),
        ('"text"', "FILE, line 1 is text, wanted objects with full_conversation"),
        ("[[]]", "FILE, entry 1 is a list, wanted objects with full_conversation"),
        ('{"full_conversation": []}\n', "FILE, line 1 has no sample_id, state_id or id by which it could be named"),
        ('{"id": " ", "full_conversation": []}\n', "FILE, line 1 has no sample_id, state_id or id by which it could be named"),
        ('{"id": "x", "full_conversation": []}\n', "none of the 1 records can be used, the first because: fewer than two turns; give other files"),
        ('{"id": "x", "full_conversation": []}\n' * 2, "none of the 2 records can be used, the first because: fewer than two turns; give other"),
    ],
)
def test_a_file_of_another_form_is_one_sentence_and_nothing_written(text: str, sentence: str, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "file.jsonl"
    file.write_text(text, encoding="utf-8")
    assert refused(run("import-ppopt", file, "--out", tmp_path / "deep" / "out")).startswith(sentence.replace("FILE", str(file)))
    assert left_in(tmp_path) == ["file.jsonl"]


@pytest.mark.parametrize("begin", ["{\n", '{ "version": 1,\n'])
def test_one_object_on_several_lines_is_read_however_it_begins(begin: str, tmp_path: Path) -> None:
    turns = '"persona": {}, "full_conversation": [\n{"role": "user", "content": "Why?"},\n{"role": "assistant", "content": "So."}]'
    (tmp_path / "one.json").write_text(f'{begin}"id": "x",\n{turns}\n}}\n', encoding="utf-8")
    (chat,) = read_file(tmp_path / "one.json")
    assert isinstance(chat, Chat)
    assert [message.content for message in chat.messages] == ["Why?", "So."]


def test_one_file_of_another_form_stops_the_others(published: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "cut.json").write_text((published / "samples.json").read_text()[:-100])
    assert "cut.json is not readable as JSON" in refused(
        run("import-ppopt", published / "states.jsonl", tmp_path / "cut.json", "--out", tmp_path / "out")
    )
    assert left_in(tmp_path) == ["cut.json"]


@pytest.mark.parametrize(
    ("name", "what"),
    [("no.json", "does not exist"), ("folder", "is a folder"), ("pipe", "is not a regular file"), ("n" * 300, "cannot be read (File name too long)")],
)
def test_what_is_no_file_is_one_sentence(name: str, what: str, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert refused(run("import-ppopt", tmp_path / name, "--out", tmp_path / "out")).startswith(f"{tmp_path / name} {what}; give ")
    assert left_in(tmp_path) == ["folder", "pipe"]


def test_a_file_that_is_no_text_is_one_sentence(tmp_path: Path, refused: Refused) -> None:
    pq.write_table(pa.table({"full_conversation": ["x"]}), tmp_path / "x.parquet")
    (tmp_path / "wide.json").write_bytes("[]".encode("utf-16"))
    for name in ("x.parquet", "wide.json"):
        assert f"{name} is no UTF-8 text" in refused(run("import-ppopt", tmp_path / name, "--out", tmp_path / "out"))
    assert left_in(tmp_path) == ["wide.json", "x.parquet"]


def test_without_a_file_or_a_folder_the_usage_is_shown(tmp_path: Path) -> None:
    for arguments, missing in ((["--out", tmp_path / "out"], "'FILE...'"), ([tmp_path / "x.json"], "'--out'")):
        result = run("import-ppopt", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert missing in result.stderr.splitlines()[-1]
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("name", ["samples.json", "states.jsonl"])
def test_a_byte_order_mark_changes_nothing(name: str, published: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(codecs.BOM_UTF8 + (published / name).read_bytes())
    assert read_file(tmp_path / name) == read_file(published / name)


def test_a_file_name_that_is_no_text_is_spelled_out(published: Path, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.jsonl")
    file.write_bytes((published / "states.jsonl").read_bytes())
    assert run("import-ppopt", file, "--out", tmp_path / "out").exit_code == 0
    assert json.loads((tmp_path / "out" / "import.json").read_text())["files"][0]["name"] == "caf\\udce9.jsonl"


# --out


def test_an_out_folder_that_is_not_empty_is_left_as_it_is(published: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    assert refused(run("import-ppopt", published / "states.jsonl", "--out", tmp_path)) == (
        f"{tmp_path} is not empty (it holds mine.txt); give a new folder with --out"
    )
    assert left_in(tmp_path) == ["mine.txt"]


@pytest.mark.parametrize(
    ("out", "what"),
    [
        ("file", "is there and no folder"),
        ("file/out", "cannot be written (File exists)"),
        ("nowhere", "is there and no folder"),
        ("n" * 300, "cannot be looked into (File name too long)"),
    ],
)
def test_out_that_cannot_be_written_is_one_sentence(out: str, what: str, published: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert refused(run("import-ppopt", published / "states.jsonl", "--out", tmp_path / out)) == f"{tmp_path / out} {what}; give another --out"
    assert left_in(tmp_path) == ["file", "nowhere"]


def test_a_disk_that_is_full_is_one_sentence_and_nothing_is_left(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("persona_atlas.shards.write_text", full)
    sentence = refused(run("import-ppopt", published / "states.jsonl", "--out", tmp_path / "out"))
    assert sentence == f"{tmp_path}/out cannot be written (No space left on device); give another --out"
    assert left_in(tmp_path) == []


def test_out_may_be_an_empty_folder_a_link_to_one_or_the_folder_one_is_in(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("empty", "linked", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    monkeypatch.chdir(tmp_path / "here")
    for out in (tmp_path / "empty", tmp_path / "link", "."):
        assert run("import-ppopt", published / "states.jsonl", "--out", out).exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert left_in(tmp_path) == ["empty", "here", "link", "linked"]
    assert all(open_release(tmp_path / name, name).imported for name in ("empty", "linked", "here"))
