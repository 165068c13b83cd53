"""The tokenizer of a base: the one in a GGUF file is converted once, and what is kept of it is the same."""

from pathlib import Path
from typing import Any

import pytest

from persona_atlas.models.smol import smol_weights
from persona_atlas.ppopt.tokenizer import load_tokenizer

TEXTS = ["How much rice for 6?", "  two  blanks\n\n\tand a tab", "naïve, 1/2 cup, 日本語 😀", "<|im_start|>user\nHi<|im_end|>", ""]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Recorded:
    """Stands for `transformers.AutoTokenizer`: it notes what is loaded, and saves an empty folder."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, str | None]] = []

    def from_pretrained(self, place: Path | str, gguf_file: str | None = None) -> "Recorded":
        self.loaded.append((str(place), gguf_file))
        return self

    def save_pretrained(self, folder: Path) -> None:
        folder.mkdir()


def test_a_gguf_files_tokenizer_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.AutoTokenizer", recorded := Recorded())
    (tmp_path / "model.gguf").write_bytes(b"weights")
    for _ in range(2):
        load_tokenizer(tmp_path / "model.gguf")
    (kept,) = (tmp_path / "cache" / "persona-atlas").glob("tokenizer-*")
    assert recorded.loaded == [(str(tmp_path), "model.gguf"), (str(kept), None), (str(kept), None)]
    assert not list(kept.parent.glob("converting-*"))


def test_other_weights_have_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.AutoTokenizer", Recorded())
    for content in (b"weights", b"others"):
        (tmp_path / "model.gguf").write_bytes(content)
        load_tokenizer(tmp_path / "model.gguf")
    assert len(list((tmp_path / "cache" / "persona-atlas").glob("tokenizer-*"))) == 2


@pytest.mark.parametrize("base", ["a/name", Path("a folder")])
def test_a_name_and_a_folder_are_left_to_transformers(base: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.AutoTokenizer", recorded := Recorded())
    load_tokenizer(base)
    assert recorded.loaded == [(str(base), None)]


@pytest.mark.slow
def test_what_is_kept_is_the_same_tokenizer() -> None:
    from transformers import AutoTokenizer

    weights = smol_weights()
    whole = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    load_tokenizer(weights)
    kept: Any = load_tokenizer(weights)
    assert kept.get_vocab() == whole.get_vocab()
    assert kept.chat_template == whole.chat_template
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "padding_side", "model_max_length")
    assert {name: getattr(kept, name) for name in names} == {name: getattr(whole, name) for name in names}
    for text in TEXTS:
        ids = whole(text)["input_ids"]
        assert kept(text)["input_ids"] == ids
        for skip in (False, True):
            assert kept.decode(ids, skip_special_tokens=skip) == whole.decode(ids, skip_special_tokens=skip)
