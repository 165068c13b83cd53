"""Hostile input in every field and form: refused in one sentence, or shown so that it does no harm."""

import json
import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from eval_harness.recomputed import differing
from eval_harness.suites import Suite
from leaderboard import reading, report
from leaderboard.errors import SubmissionError
from leaderboard.escape import markdown, shown
from leaderboard.reading import read_json, read_lines
from leaderboard.submission import read_submission, wrong_digests
from leaderboard.verify import Check, Verdict, verify_one
from persona_atlas.data import Release
from persona_atlas.scoring import SCORER_VERSION

pytestmark = pytest.mark.usefixtures("scores_are_kept")
HTML = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</code></table><h1>accepted</h1>", "&lt;b&gt;", '"><svg onload=alert(1)>']
MARKUP = [
    "**bold** `code` [x](http://e.org)",
    "| a | b |",
    "![x](http://e.org/x.png)",
    "@everyone #1 http://e.org www.e.org",
    "```\n",
    "- [x] done",
    "\\<b>",
]
HIDDEN = ["a\u202eb", "a\u2066b", "a\x00b", "a\x1b[2Jb", "a\u200bb", "a\ud800b", "a\ufeffb", "a\u2028b", "a\nb", "a\U000e0041b"]
TEXTS = [*HTML, *MARKUP, *HIDDEN]
FORMS = [None, True, 7, 1.5, [], {}, "", "x" * 100_000, ["x"], {"a": 1}]


@pytest.fixture(scope="module")
def whole(hand: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an honest submission. Copy it, or change it with `changed`, which puts it right again."""
    return hand().write(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def short(hand: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with ten of its samples, for what is judged before they are counted: the form of the files, and whether they belong together."""
    cut = hand()
    cut.samples = cut.samples[:10]
    cut.digest_again()
    return cut.write(tmp_path_factory.mktemp("short"))


PLACES = {"config": "run.json", "sample": "samples.jsonl"}


@contextmanager
def changed(folder: Path, part: str, key: str, value: Any) -> Iterator[None]:
    """While it lasts, a part of a submission has another value of a key: a file by its name, the `config` of run.json, or the fourth `sample`."""
    file = folder / PLACES.get(part, f"{part}.json")
    text = file.read_text(encoding="utf-8")
    if part == "sample":
        lines = text.split("\n")
        lines[3] = json.dumps({**json.loads(lines[3]), key: value})
        other = "\n".join(lines)
    else:
        data = json.loads(text)
        (data["config"] if part == "config" else data)[key] = value
        other = json.dumps(data)
    try:
        file.write_text(other, encoding="utf-8")
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def part_of(folder: Path, part: str) -> dict[str, Any]:
    """A part of a submission, as it is."""
    text = (folder / PLACES.get(part, f"{part}.json")).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.split("\n")[3] if part == "sample" else text)
    return found["config"] if part == "config" else found


def sentence(verdict: Verdict) -> str:
    """What is said of a submission that cannot be read: one sentence, on one line, of bounded length."""
    (said,) = verdict.checks[0].faults
    line = shown(said, 1000)
    assert "\n" not in line
    assert len(said) < 2000
    return said


def glance(folder: Path) -> Verdict:
    """A verdict on the form and the digests alone: what is shown of a submission does not depend on the rest."""
    try:
        found = read_submission(folder)
    except SubmissionError as error:
        return Verdict(folder, (Check("files", False, "", (str(error),)),))
    return Verdict(folder, (Check("files", True, ""), Check("digests", False, "", tuple(wrong_digests(found)) or ("none",))), found)


def safe(page: str) -> None:
    """A comment, made HTML as GitHub does, has no element but our own, and no text that could become a link or a mention."""
    html = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(page)
    allowed = {"h2", "h3", "p", "code", "table", "thead", "tbody", "tr", "th", "td"}
    import regex

    for tag in regex.findall(r"<\s*/?\s*([a-zA-Z!?][\w-]*)", html):
        assert tag in allowed, html
    outside = regex.sub(r"<code>.*?</code>", "", html, flags=regex.S)
    assert not regex.search(r"@|://|www\.|#\d", outside), outside
    assert not regex.search(r"[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x00-\x09\x0b-\x1f]", html)


def harmless(verdict: Verdict) -> None:
    """What is shown of a verdict holds nothing but our own marks, in a terminal, in a comment and as JSON."""
    lines = "\n".join(report.lines(verdict))
    assert lines.replace("\n", "").isprintable()
    safe(report.comment([verdict]))
    json.dumps(report.as_json([verdict])).encode("ascii")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("field", ["name", "contact", "training", "link", "optimizer", "run_id", "dataset_digest"])
def test_text_in_submission_json_is_refused_or_shown_harmlessly(field: str, text: str, short: Path) -> None:
    with changed(short, "submission", field, text):
        verdict = glance(short)
    if verdict.found is None:
        sentence(verdict)
    else:
        assert field in ("name", "contact", "training")
    harmless(verdict)


@pytest.mark.parametrize("text", TEXTS)
def test_text_in_an_answer_is_never_read_as_anything_else(text: str, short: Path) -> None:
    with changed(short, "sample", "answer", text):
        verdict = glance(short)
    if "\ud800" in text:
        assert sentence(verdict) == "samples.jsonl, line 4 holds half a surrogate pair"
    else:
        assert verdict.found is not None
        assert verdict.found.samples[3].answer == text
    harmless(verdict)


@pytest.mark.parametrize("text", [HTML[0], MARKUP[1], HIDDEN[0], HIDDEN[-1]])
def test_text_in_an_answer_is_verified_like_any_other(text: str, whole: Path, small: Release, tiny: Suite) -> None:
    with changed(whole, "sample", "answer", text):
        verdict = verify_one(whole, small, tiny)
    assert not verdict.accepted
    harmless(verdict)


@pytest.mark.parametrize("text", TEXTS)
def test_text_in_a_fault_is_shown_harmlessly(text: str) -> None:
    harmless(Verdict(Path("run"), (Check("answers", False, "", (text,)),)))


@pytest.mark.parametrize("value", FORMS)
@pytest.mark.parametrize("name", ["submission", "run", "config", "results"])
def test_other_forms_in_any_field_are_refused_in_a_sentence(name: str, value: Any, short: Path, whole: Path, small: Release, tiny: Suite) -> None:
    honest = part_of(short, "results")
    for key, before in part_of(short, name).items():
        with changed(short, name, key, value):
            verdict = glance(short)
        if verdict.found is None:
            sentence(verdict)
        elif name == "results":
            assert list(differing(verdict.found.results, honest)) or before == value, key
        else:
            with changed(whole, name, key, value):
                refused_later = not verify_one(whole, small, tiny).accepted
            assert refused_later or key in ("fit", "name", "contact", "training"), key


@pytest.mark.parametrize("value", FORMS)
def test_other_forms_in_a_sample_are_refused_in_a_sentence(value: Any, short: Path, whole: Path, small: Release, tiny: Suite) -> None:
    for key, before in part_of(short, "sample").items():
        if before == value:
            continue
        with changed(short, "sample", key, value):
            verdict = glance(short)
        if verdict.found is None:
            assert sentence(verdict).startswith("samples.jsonl, line 4")
        else:
            with changed(whole, "sample", key, value):
                assert not verify_one(whole, small, tiny).accepted, key


@pytest.mark.parametrize("field", ["versions", "environment"])
def test_text_deep_in_submission_json_is_refused_or_shown_harmlessly(field: str, short: Path) -> None:
    part = part_of(short, "submission")[field]
    for text in TEXTS:
        with changed(short, "submission", field, {**part, next(iter(part)): text}):
            verdict = glance(short)
        safe(report.comment([verdict]))
        assert verdict.found is not None or sentence(verdict)


# Other versions


@pytest.mark.parametrize(
    ("change", "check", "said"),
    [
        (lambda hand: hand.record.update(submission_version=2), "files", "submission.json has version 2, here 1 is read"),
        (lambda hand: hand.record.update(submission_version=0), "files", "submission.json has version 0, here 1 is read"),
        (lambda hand: hand.config.update(schema_version=3), "versions", "schema_version is 3, here it is 2"),
        (
            lambda hand: hand.config.update(scorer_version=SCORER_VERSION + 1),
            "versions",
            f"scorer_version is {SCORER_VERSION + 1}, here it is {SCORER_VERSION}",
        ),
        (lambda hand: hand.results.update(schema_version=1), "results", "schema_version is 1, computed again it is 2"),
        (lambda hand: hand.results.update(rounds=10), "results", "rounds is 10, computed again it is 300"),
    ],
)
def test_other_versions_are_refused(
    change: Callable[[Any], None], check: str, said: str, hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    forged = hand()
    change(forged)
    forged.digest_again()
    faults = {found.name: "; ".join(found.faults) for found in verify_one(forged.write(tmp_path), small, tiny).checks if found.passed is False}
    assert said in faults[check]


# JSON


WRONG = {
    b"": "is not readable as JSON",
    b"{": "is not readable as JSON",
    b'{"a": NaN}': "holds NaN",
    b'{"a": -Infinity}': "holds -Infinity",
    b'{"a": 1e400}': "holds the number 1e400, which is not finite here",
    b'{"a": -1e999}': "not finite",
    b'{"a": ' + b"9" * 19 + b"}": "holds a whole number of 19 digits",
    b'{"a": ' + b"9" * 1_000_000 + b"}": "holds a whole number of 1,000,000 digits",
    b'{"a": 0.' + b"9" * 100 + b"}": "holds a number of 102 characters",
    b'{"a": 1, "a": 2}': "has the key 'a' twice",
    b'{"a": {"b": 1, "c": 2, "b": 3}}': "has the key 'b' twice",
    b'{"a": "\\ud800"}': "holds half a surrogate pair",
    b'{"\\udfff": 1}': "holds half a surrogate pair",
    b'{"a": "\xff"}': "is not UTF-8 (byte 7)",
    b"\xef\xbb\xbf{}": "is not readable as JSON",
    b'{"a": 1} {"b": 2}': "is not readable as JSON",
    b'{"a": 1,}': "is not readable as JSON",
    b"{'a': 1}": "is not readable as JSON",
    b'{"a": "\x01"}': "is not readable as JSON",
    b"[" * 100_000: "is nested deeper than 12 levels",
    b"[" * 100_000 + b"]" * 100_000: "is nested deeper than 12 levels",
    b'{"a":' * 13 + b"1" + b"}" * 13: "is nested deeper than 12 levels",
}


@pytest.mark.parametrize("data", WRONG, ids=[f"{data[:16]!r}, {len(data)}" for data in WRONG])
def test_what_is_no_strict_json_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(SubmissionError) as error:
        read_json(data, "run.json")
    assert str(error.value).startswith("run.json ")
    assert WRONG[data] in str(error.value)
    assert len(str(error.value)) < 300


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert read_json(b'{"a": "\\ud83c\\udf40"}', "run.json") == {"a": "\U0001f340"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": 1}\n{"a": 1', "samples.jsonl is torn: its last line has no end"),
        (b'{"a": 1}\n\n', "samples.jsonl, line 2 is not readable as JSON"),
        (b'{"a": 1.0}\n', "samples.jsonl, line 1 holds the number 1.0, wanted whole numbers without a point"),
        (b'{"a": "' + b"x" * 2**20 + b'"}\n', "samples.jsonl, line 1 has 1,048,585 bytes, at most 1,048,576 are taken"),
        (b"{}\n" * 100_001, "samples.jsonl has more than 100,000 lines"),
    ],
)
def test_lines_are_bounded(data: bytes, said: str) -> None:
    with pytest.raises(SubmissionError) as error:
        list(read_lines(data, "samples.jsonl"))
    assert said in str(error.value)


def test_reading_leaves_garbage_collection_as_it_was() -> None:
    import gc

    with reading.uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


# Folders


@pytest.fixture
def folder(short: Path, tmp_path: Path) -> Path:
    """A copy of the short submission, to be changed."""
    return Path(shutil.copytree(short, tmp_path / short.name))


def refused(path: Path, said: str) -> None:
    with pytest.raises(SubmissionError) as error:
        read_submission(path)
    assert said in str(error.value)


def test_a_link_for_a_file_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_bytes((folder / "run.json").read_bytes())
    (folder / "run.json").unlink()
    (folder / "run.json").symlink_to(tmp_path / "elsewhere.json")
    refused(folder, "run.json cannot be opened as a file")


def test_a_link_for_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    refused(tmp_path / "link", "it is a symbolic link")


def test_a_pipe_does_not_keep_us_waiting(folder: Path) -> None:
    (folder / "run.json").unlink()
    os.mkfifo(folder / "run.json")
    refused(folder, "run.json is no regular file")


def test_a_folder_for_a_file_is_refused(folder: Path) -> None:
    (folder / "run.json").unlink()
    (folder / "run.json").mkdir()
    refused(folder, "run.json is no regular file")


@pytest.mark.parametrize("name", ["optimizer.py", "results.json.bak", ".hidden", "report.html", "a\u202eb", "<b>.json"])
def test_another_file_is_refused(name: str, folder: Path) -> None:
    (folder / name).write_text("import os")
    refused(folder, "and nothing else")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "results.json").unlink()
    refused(folder, "it lacks results.json")


def test_a_huge_file_is_refused_by_its_size(folder: Path) -> None:
    with (folder / "samples.jsonl").open("wb") as file:
        file.truncate(2**26 + 1)
    refused(folder, "samples.jsonl has 67,108,865 bytes, at most 67,108,864 are taken")


def test_a_renamed_folder_is_refused(whole: Path, tmp_path: Path, small: Release, tiny: Suite) -> None:
    other = Path(shutil.copytree(whole, tmp_path / "0123456789abcdef"))
    (check,) = [check for check in verify_one(other, small, tiny).checks if check.passed is False]
    assert check.faults == (f"its folder is called 0123456789abcdef, wanted {whole.name}",)


def test_a_folder_of_another_optimizer_is_refused(hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    (check,) = [check for check in verify_one(hand().write(tmp_path / "submissions" / "oracle"), small, tiny).checks if check.passed is False]
    assert check.faults == ("it stands in the folder oracle, wanted reads",)


# Escaping


@pytest.mark.parametrize("text", TEXTS)
def test_markdown_shows_the_text_and_nothing_else(text: str) -> None:
    safe(f"| a |\n|---|\n| {markdown(text)} |\n")
    safe(f"{markdown(text)} and text\n")


def test_what_cannot_be_seen_is_written_out() -> None:
    assert shown("a\u202eb\x00\U000e0041") == "a\\u202eb\\u0000\\U000e0041"
    assert shown("1\u20dd") == "1\\u20dd"


@pytest.mark.parametrize("letter", ["\u0e01\u0e47", "x\u0316"])
def test_the_marks_on_a_letter_are_written_out_from_the_third_on(letter: str) -> None:
    mark = letter[1]
    assert shown(letter + 4 * mark) == letter + mark + 3 * f"\\u{ord(mark):04x}"


@pytest.mark.parametrize("word", ["हिन्दी", "ที่", "Tiếng Việt", "שָׁלוֹם", "é"])
def test_words_of_ordinary_scripts_are_shown_as_they_are(word: str) -> None:
    for form in ("NFC", "NFD"):
        assert unicodedata.normalize("NFC", shown(unicodedata.normalize(form, word))) == unicodedata.normalize("NFC", word)
    assert shown(unicodedata.normalize("NFD", "é")) == "é"


def test_a_long_text_is_cut() -> None:
    assert len(shown("x" * 10_000)) == 300


def test_a_comment_on_many_submissions_stays_within_what_github_takes(hand: Callable[..., Any], tmp_path: Path, small: Release, tiny: Suite) -> None:
    forged = hand()
    forged.record["name"] = "<" * 80
    forged.samples[0]["prompt"] = "x"
    verdict = verify_one(forged.write(tmp_path), small, tiny)
    page = report.comment([verdict] * 100)
    assert len(page) < 65_536
    assert "more, for which there is no room here" in page
