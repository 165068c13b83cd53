"""The GGUF header reader, on files of a few bytes, and the SHA-256 that is remembered."""

import struct
from pathlib import Path

import pytest

from persona_atlas.models.digest import path_digest
from persona_atlas.models.gguf import GGUFHeader, read_header
from persona_atlas.models.openvino import OpenVINOModel
from persona_atlas.models.protocol import ModelError


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def header(version: int = 3) -> bytes:
    """A header as llama.cpp writes it: a string, an array of strings, an array of numbers, then the context length."""
    entries = [
        string("general.architecture") + struct.pack("<I", 8) + string("qwen2"),
        string("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + string("a") + string("b"),
        string("tokenizer.ggml.token_type") + struct.pack("<IIQ3i", 9, 5, 3, 1, 1, 1),
        string("qwen2.context_length") + struct.pack("<II", 4, 32768),
    ]
    return b"GGUF" + struct.pack("<IQQ", version, 0, len(entries)) + b"".join(entries)


def test_architecture_and_context_length_are_read(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(header())
    assert read_header(path) == GGUFHeader("qwen2", "tiny", 32768)


def test_a_header_cut_anywhere_is_an_error_and_never_another(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    for length in range(4, len(header())):
        path.write_bytes(header()[:length])
        with pytest.raises(ModelError, match="download it again"):
            read_header(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"PK\x03\x04 a zip", "starts with b'PK"),
        (b"", "starts with b''"),
        (header(version=1), "GGUF version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40) + b"\xff" * 64, "download it again"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("a") + struct.pack("<IIQ", 9, 5, 1 << 63), "download it again"),
    ],
)
def test_what_is_no_gguf_file_is_told_in_one_sentence(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "wrong.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=complaint) as caught:
        OpenVINOModel(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_say_what_to_pass(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"does not exist.*pretrained=FILE\.gguf"):
        OpenVINOModel(tmp_path / "nothing.gguf")
    with pytest.raises(ModelError, match="is a folder"):
        OpenVINOModel(tmp_path)


def test_a_gguf_file_that_the_engine_cannot_run_is_told_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "no-tensors.gguf"
    path.write_bytes(header())
    with pytest.raises(ModelError, match="OpenVINO cannot run"):
        OpenVINOModel(path)


def test_the_digest_follows_content_and_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights = tmp_path / "weights"
    weights.write_bytes(b"one")
    first = path_digest(weights)
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert first in (tmp_path / "cache" / "persona-atlas" / "digests.json").read_text()
    weights.write_bytes(b"three")
    assert path_digest(weights) != first


def test_the_digest_of_a_folder_follows_names_and_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    first = path_digest(folder)
    (folder / "config.json").rename(folder / "other.json")
    assert path_digest(folder) != first


def test_what_is_not_there_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        path_digest(tmp_path / "nothing.gguf")


def test_a_digest_that_cannot_be_remembered_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    memory = tmp_path / "cache" / "persona-atlas" / "digests.json"
    memory.mkdir(parents=True)  # a folder in its place, which no file can replace
    (tmp_path / "weights").write_bytes(b"one")
    path_digest(tmp_path / "weights")
    assert list(memory.parent.iterdir()) == [memory]
