"""Reads files out of an archive that a stranger made, into memory. Nothing is extracted to disk, so no file name can lead anywhere.

Only what a packed folder holds is accepted: regular files of known names, at the top or in one folder; in zip stored or deflated, in tar as plain
entries. A file of a zip is unpacked up to its own limit, and a tar.gz up to the limit of all files together, so a decompression bomb costs at most
what the limits allow. Tar is parsed here and not by `tarfile`, because some headers send older versions of that into an endless loop.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from leaderboard.errors import SubmissionError

ENTRIES = 20
"""The most entries that a zip may have."""
HEADERS = 3 * ENTRIES
"""The most headers that a tar may have. Files and folders have one each, and may have another of the form pax before it."""
RATIO = 200
"""How many times its packed size a file may unpack to. Text like ours compresses ten to forty times."""
SLACK = 2**16
"""Bytes allowed on top of that, whatever the packed size."""
BLOCK = 512
DIRECTORY_BYTES = 2**16
END = struct.Struct("<4s4H2LH")
"""The last record of a zip: signature, disks, entries, size and offset of the directory, length of the comment."""
UNTOLD = (b"path=", b"size=", b"linkpath=", b"GNU.sparse")
"""The keys that a pax header may not set."""


def of_zip(data: bytes, largest: Mapping[str, int]) -> dict[str, bytes]:
    """Return name -> bytes. `largest`: the names allowed, with the most bytes of each. Raises SubmissionError."""
    _check_end(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
            names = _names([entry.filename for entry in entries], largest)
            return {name: _inflated(archive, entry, name, largest[name]) for name, entry in zip(names, entries, strict=True)}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, struct.error, OverflowError, RuntimeError) as error:
        if isinstance(error, SubmissionError):
            raise
        raise SubmissionError(f"the archive is not readable as zip ({error})") from None


def _check_end(data: bytes) -> None:
    """Check that the directory ends the file and is small, since `zipfile` reads all of it at once. Raises SubmissionError."""
    if len(data) < END.size:
        raise SubmissionError("the archive is not readable as zip (it is too short)")
    signature, _, _, _, entries, size, _, comment = END.unpack(data[-END.size :])
    if signature != b"PK\5\6" or comment:
        raise SubmissionError("the archive is no zip, or something stands behind its directory")
    if entries > ENTRIES:
        raise SubmissionError(f"the archive has more than {ENTRIES} entries")
    if size > DIRECTORY_BYTES or data[-END.size - 20 : -END.size].startswith(b"PK\6\7"):
        raise SubmissionError(f"the archive has a directory of more than {DIRECTORY_BYTES:,} bytes, or of the form zip64")


def _inflated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, most: int) -> bytes:
    if entry.external_attr >> 16 & 0o170000 not in (0, 0o100000):
        raise SubmissionError(f"{name} is no regular file in the archive (a link?)")
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SubmissionError(f"{name} is encrypted, or packed in another way than stored or deflated")
    most = _allowed(most, entry.compress_size)
    with archive.open(entry) as file:
        data = file.read(most + 1)
    return _within(data, most, name)


def _allowed(most: int, packed: int) -> int:
    return min(most, RATIO * packed + SLACK)


def _within(data: bytes, most: int, name: str) -> bytes:
    if len(data) > most:
        raise SubmissionError(f"{name} unpacks to more than {most:,} bytes, which its limit or its packed size allows")
    return data


def of_tar_gz(data: bytes, largest: Mapping[str, int]) -> dict[str, bytes]:
    """Return name -> bytes, like `of_zip`. Raises SubmissionError."""
    entries = dict(_entries(_gunzipped(data, sum(largest.values()) + 2 * ENTRIES * BLOCK)))
    names = _names(list(entries), largest)
    return {name: _within(content, largest[name], name) for name, content in zip(names, entries.values(), strict=True)}


def _gunzipped(data: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    most = _allowed(most, len(data))
    try:
        unpacked = inflater.decompress(data, most + 1)
    except zlib.error as error:
        raise SubmissionError(f"the archive is not readable as gzip ({error})") from None
    _within(unpacked, most, "the archive")
    if not inflater.eof or inflater.unused_data:
        raise SubmissionError("the archive is torn, or something stands behind it")
    return unpacked


def _entries(tar: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every regular file in an uncompressed tar (POSIX ustar). Raises SubmissionError."""
    place, seen = 0, set()
    for _ in range(HEADERS + 1):
        header = tar[place : place + BLOCK]
        if len(header) < BLOCK or not header.strip(b"\0"):
            return
        name, size, kind = _header(header)
        content = tar[place + BLOCK : place + BLOCK + size]
        if len(content) < size:
            raise SubmissionError("the archive is torn within a file")
        place += BLOCK + -(-size // BLOCK) * BLOCK
        if kind in (b"x", b"g"):
            if any(key in content for key in UNTOLD):
                raise SubmissionError("the archive has a pax header that renames or resizes files; pack it with tar --format=ustar")
        elif kind in (b"0", b"\0"):
            if name in seen:
                raise SubmissionError(f"{name!r} stands in the archive twice")
            seen.add(name)
            yield name, content
        elif kind != b"5":
            raise SubmissionError(f"{name!r} is no regular file in the archive (a link?)")
    raise SubmissionError(f"the archive has more than {HEADERS} headers")


def _header(header: bytes) -> tuple[str, int, bytes]:
    """Return name, size and kind of an entry. Raises SubmissionError."""
    summed = sum(header) - sum(header[148:156]) + 8 * 32
    try:
        size, checksum = (int(field.strip(b" \0") or b"0", 8) for field in (header[124:136], header[148:156]))
        name, prefix = (field.partition(b"\0")[0].decode("utf-8") for field in (header[:100], header[345:500]))
    except ValueError:
        raise SubmissionError("the archive is not readable as tar (a header that is none)") from None
    if checksum != summed or size < 0:
        raise SubmissionError("the archive is not readable as tar (a header whose sum is wrong)")
    return (f"{prefix}/{name}" if prefix and header[257:263] == b"ustar\0" else name), size, header[156:157]


def _names(paths: list[str], largest: Mapping[str, int]) -> list[str]:
    """Return the files' names without the one folder that they may be in. Raises SubmissionError for any other place and any unknown name."""
    for path in paths:
        parts = PurePosixPath(path.removeprefix("./")).parts
        if path.startswith("/") or "\\" in path or ".." in parts or len(parts) > 2:
            raise SubmissionError(f"the archive holds {path!r}, which leads out of one folder")
        if not parts or parts[-1] not in largest:
            raise SubmissionError(f"the archive holds {path!r}, wanted {', '.join(largest)} and nothing else")
    names = [PurePosixPath(path).name for path in paths]
    if len({PurePosixPath(path.removeprefix("./")).parts[:-1] for path in paths}) > 1 or len(set(names)) < len(names):
        raise SubmissionError("the archive holds a file twice, or in several folders")
    return names
