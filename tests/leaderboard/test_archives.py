"""Archives: a packed folder is read from a zip or a tar.gz; bombs, links, names that lead out and torn files are refused, at bounded cost."""

import gzip
import io
import os
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_harness.submission import LARGEST
from eval_harness.suites import Suite
from leaderboard.archives import of_tar_gz, of_zip
from leaderboard.errors import SubmissionError
from leaderboard.opening import files_of
from leaderboard.verify import verify_one
from persona_atlas.data import Release

FILES = {name: f'{{"name": "{name}"}}\n'.encode() for name in LARGEST if name != "repeats.jsonl"}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def tarred(files: dict[str, bytes], format: int = tarfile.USTAR_FORMAT, **changes: Any) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=format) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            for key, value in changes.items():
                setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(target.getvalue())


PACKERS = {"zip": (zipped, of_zip), "tar.gz": (tarred, of_tar_gz)}


@pytest.fixture(params=sorted(PACKERS))
def packer(request: pytest.FixtureRequest) -> tuple[Callable[..., bytes], Callable[..., dict[str, bytes]]]:
    return PACKERS[request.param]


def refused(opened: Callable[..., Any], data: bytes, said: str) -> None:
    with pytest.raises(SubmissionError) as error:
        opened(data, LARGEST)
    assert said in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("folder", ["", "0123456789abcdef/", "./", "./run/"])
def test_files_are_read_at_the_top_or_in_one_folder(folder: str, packer: Any) -> None:
    pack, opened = packer
    assert opened(pack({f"{folder}{name}": data for name, data in FILES.items()}), LARGEST) == FILES


@pytest.mark.usefixtures("scores_are_kept")
@pytest.mark.parametrize("ending", [".zip", ".tar.gz", ".tgz"])
def test_an_archive_of_an_honest_submission_is_accepted(
    ending: str, packed: Callable[..., Path], tmp_path: Path, small: Release, tiny: Suite
) -> None:
    folder = packed("brief", "wordy")
    pack = zipped if ending == ".zip" else tarred
    (tmp_path / f"mine{ending}").write_bytes(pack({f"{folder.name}/{file.name}": file.read_bytes() for file in folder.iterdir()}))
    assert verify_one(tmp_path / f"mine{ending}", small, tiny).accepted


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_common_kinds_of_tar_are_read(format: int) -> None:
    assert of_tar_gz(tarred(FILES, format, mtime=1.5 if format == tarfile.PAX_FORMAT else 1), LARGEST) == FILES


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../run.json", "leads out of one folder"),
        ("a/../../run.json", "leads out of one folder"),
        ("/etc/run.json", "leads out of one folder"),
        ("a/b/run.json", "leads out of one folder"),
        ("..\\run.json", "leads out of one folder"),
        ("optimizer.py", "and nothing else"),
        ("run.json.exe", "and nothing else"),
        ("a\u202enosj.nur", "and nothing else"),
        ("other/run.json", "in several folders"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, said: str, packer: Any) -> None:
    pack, opened = packer
    refused(opened, pack({**{f"run/{known}": data for known, data in FILES.items() if known != "run.json"}, name: b"{}"}), said)


def test_many_entries_are_refused(packer: Any) -> None:
    pack, opened = packer
    refused(opened, pack({f"{number}/run.json": b"{}" for number in range(100)}), "the archive has more than")


def test_a_tar_of_many_folders_is_refused() -> None:
    folders = {f"{number}": b"" for number in range(61)}
    refused(of_tar_gz, tarred(folders, type=tarfile.DIRTYPE), "more than 60 headers")
    assert of_tar_gz(tarred(dict(list(folders.items())[:60]), type=tarfile.DIRTYPE), LARGEST) == {}


def test_a_link_is_refused() -> None:
    refused(of_tar_gz, tarred(FILES, type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0), "is no regular file")
    refused(of_tar_gz, tarred(FILES, type=tarfile.LNKTYPE, linkname="run.json", size=0), "is no regular file")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo("run.json")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    refused(of_zip, target.getvalue(), "is no regular file")


def test_a_file_that_stands_there_twice_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("run.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("run.json", "[]")
    refused(of_zip, target.getvalue(), "holds a file twice")
    tar = gzip.decompress(tarred({"run.json": b"{}"}))[:1024]
    refused(of_tar_gz, gzip.compress(tar + tar + bytes(1024)), "stands in the archive twice")


# Bombs


BOMB, PART = 2**28, bytes(2**20)
"""The bytes that a bomb unpacks to, all of them zero, and the part of them that is packed at a time."""


class Zeros(io.RawIOBase):
    """A file of zeros without an end."""

    def read(self, size: int = -1) -> bytes:
        return bytes(size)


def zip_bomb(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for known, data in FILES.items():
            if known != name:
                archive.writestr(known, data)
        with archive.open(name, "w") as file:
            for _ in range(BOMB // len(PART)):
                file.write(PART)
    return target.getvalue()


def tar_bomb(name: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", format=tarfile.USTAR_FORMAT, compresslevel=6, copybufsize=len(PART)) as archive:
        for known, data in {**FILES, name: b""}.items():
            entry = tarfile.TarInfo(known)
            entry.size = BOMB if known == name else len(data)
            archive.addfile(entry, Zeros() if known == name else io.BytesIO(data))
    return target.getvalue()


@pytest.mark.parametrize("name", ["samples.jsonl", "submission.json"])
@pytest.mark.parametrize(("pack", "opened"), [(zip_bomb, of_zip), (tar_bomb, of_tar_gz)], ids=["zip", "tar.gz"])
def test_a_bomb_is_refused_in_bounded_time_and_memory(pack: Callable[[str], bytes], opened: Callable[..., dict[str, bytes]], name: str) -> None:
    data = pack(name)
    tracemalloc.start()
    started = time.process_time()
    refused(opened, data, "unpacks to more than")
    assert time.process_time() - started < 20
    assert tracemalloc.get_traced_memory()[1] < 3 * sum(LARGEST.values())
    tracemalloc.stop()


def test_a_bomb_that_understates_itself_is_refused() -> None:
    data = bytearray(zipped({"run.json": bytes(2**20)}))
    place = data.rindex(b"PK\x01\x02")
    struct.pack_into("<L", data, place + 24, 10)
    struct.pack_into("<L", data, 22, 10)
    with pytest.raises(SubmissionError):
        of_zip(bytes(data), LARGEST)


def test_an_archive_within_an_archive_is_no_file_of_ours(packer: Any) -> None:
    pack, opened = packer
    refused(opened, pack({"inner.zip": zipped(FILES)}), "and nothing else")


def test_a_large_archive_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "mine.zip").open("wb") as file:
        file.truncate(2**25 + 1)
    with pytest.raises(SubmissionError, match="the archive has 33,554,433 bytes"):
        files_of(tmp_path / "mine.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method: int) -> None:
    refused(of_zip, zipped(FILES, method), "packed in another way")


# Torn and crafted


@pytest.mark.parametrize("kept", [0, 10, 100, -1, -30])
def test_a_torn_archive_is_refused(kept: int, packer: Any) -> None:
    pack, opened = packer
    with pytest.raises(SubmissionError):
        opened(pack(FILES)[:kept], LARGEST)


def test_what_stands_behind_an_archive_is_refused(packer: Any) -> None:
    pack, opened = packer
    with pytest.raises(SubmissionError, match="behind"):
        opened(pack(FILES) + b"more", LARGEST)


def header(**changes: bytes) -> bytes:
    """A tar header with fields replaced, and its sum put right."""
    places = {"name": 0, "size": 124, "kind": 156, "magic": 257}
    data = bytearray(gzip.decompress(tarred({"run.json": b"{}"}))[:512])
    for key, value in changes.items():
        data[places[key] : places[key] + len(value)] = value
    data[148:156] = b"%06o\0 " % (sum(data) - sum(data[148:156]) + 8 * 32)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (header(size=b"-0000000001\0"), "a header whose sum is wrong"),
        (header(size=b"77777777777\0"), "torn within a file"),
        (header(size=b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "a header that is none"),
        (header(name=b"\xff\xfe"), "a header that is none"),
        (header(kind=b"S"), "is no regular file"),
        (header(kind=b"L"), "is no regular file"),
        (header(kind=b"3"), "is no regular file"),
        (b"x" * 512, "a header that is none"),
        (header(kind=b"x", size=b"00000000024\0") + b"20 path=../../x.json\n".ljust(512, b"\0"), "a pax header that renames"),
    ],
)
def test_crafted_tar_headers_are_refused(data: bytes, said: str) -> None:
    refused(of_tar_gz, gzip.compress(data + bytes(1024)), said)


def test_a_tar_that_ends_within_a_header_ends_before_it() -> None:
    whole = gzip.decompress(tarred({"run.json": b"{}"}))[:1024]
    assert of_tar_gz(gzip.compress(header()[:300]), LARGEST) == {}
    assert of_tar_gz(gzip.compress(whole + header(name=b"results.json")[:300]), LARGEST) == {"run.json": b"{}"}


def unopened(*_: Any) -> None:
    raise AssertionError("the archive was opened")


def test_a_zip_with_a_huge_directory_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({f"{number}/run.json": b"{}" for number in range(5000)})
    monkeypatch.setattr(zipfile, "ZipFile", unopened)
    refused(of_zip, data, "more than 20 entries")


def test_a_zip_with_a_few_files_and_a_large_directory_is_told_so() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in ("run.json", "results.json"):
            entry = zipfile.ZipInfo(name)
            entry.comment = b"x" * 40_000
            archive.writestr(entry, b"{}")
    refused(of_zip, target.getvalue(), "a directory of more than 65,536 bytes")


def test_a_zip64_record_is_refused() -> None:
    data = zipped(FILES)
    refused(of_zip, data[:-22] + b"PK\x06\x07" + bytes(16) + data[-22:], "zip64")


def test_random_bytes_are_no_archive(packer: Any) -> None:
    for seed in range(50):
        with pytest.raises(SubmissionError):
            packer[1](os.urandom(seed * 50), LARGEST)
    with pytest.raises(SubmissionError):
        of_tar_gz(zlib.compress(b"x"), LARGEST)
