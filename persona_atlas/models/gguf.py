"""Read the header of a GGUF file, to know what it holds before an engine spends seconds on it.

    read_header(Path("SmolLM2-135M-Instruct.Q4_1.gguf"))
    # GGUFHeader(architecture="llama", name="Smollm2 135M 8k Lc100K Mix1 Ep2", context_length=8192)

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (little-endian, versions 2 and 3).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from persona_atlas.models.protocol import ModelError

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True)
class GGUFHeader:
    """What the header says. `context_length` is in tokens, `None` if the file does not say."""

    architecture: str
    name: str
    context_length: int | None


def read_header(path: Path) -> GGUFHeader:
    """Read the metadata of `path`. Raises `ModelError` if it does not exist, is a folder, or is not GGUF of version 2 or 3."""
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "does not exist"
        raise ModelError(f"{path} {found}, but a GGUF file is wanted: pass --model_args pretrained=FILE.gguf.")
    with path.open("rb") as file:
        start = file.read(4)
        if start != b"GGUF":
            raise ModelError(f"{path} starts with {start!r}, but a GGUF file starts with b'GGUF': download it again or pass another.")
        try:
            version, _, entries = struct.unpack("<IQQ", file.read(20))
            if version not in (2, 3):
                raise ModelError(f"{path} is GGUF version {version}, but 2 or 3 is wanted: convert it anew with llama.cpp.")
            fields = dict(_entry(file) for _ in range(entries))
        except (struct.error, KeyError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} ends or breaks in its header, so it is no whole GGUF file: download it again.") from error
    architecture = str(fields.get("general.architecture", "unknown"))
    context_length = fields.get(f"{architecture}.context_length")
    return GGUFHeader(architecture, str(fields.get("general.name", path.stem)), context_length if isinstance(context_length, int) else None)


def _entry(file: BinaryIO) -> tuple[str, object]:
    key = _string(file).decode()
    return key, _value(file, _number(file, "<I"))


def _value(file: BinaryIO, kind: int) -> object:
    """Read a scalar or a string. An array (such as the vocabulary) is skipped and gives `None`."""
    if kind == _STRING:
        return _string(file).decode()
    if kind != _ARRAY:
        return _number(file, _SCALARS[kind])
    inner, length = struct.unpack("<IQ", file.read(12))
    if length > 1 << 32:  # no vocabulary is that large, so the file is damaged
        raise struct.error(f"an array of {length} entries")
    if inner in _SCALARS:
        file.seek(length * struct.calcsize(_SCALARS[inner]), 1)
    else:
        for _ in range(length):
            _string(file) if inner == _STRING else _value(file, inner)
    return None


def _string(file: BinaryIO) -> bytes:
    length = _number(file, "<Q")
    if length > 1 << 26:  # no key, token or template is 64 MB long, so the file is damaged
        raise struct.error(f"a string of {length} bytes")
    text = file.read(length)
    if len(text) < length:
        raise struct.error("the file ends inside a string")
    return text


def _number(file: BinaryIO, layout: str) -> int:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))[0]
