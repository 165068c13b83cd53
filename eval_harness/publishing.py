"""Removes from a run, before it is packed, what must not leave the submitter's machine: paths, and secrets in arguments. It also finds characters
that cannot be seen.

pretrained=/home/me/models/qwen.gguf,api_key=sk-1   becomes   pretrained=qwen.gguf
FileNotFoundError: '/home/me/notes.txt'             becomes   FileNotFoundError: 'notes.txt'
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import regex

from eval_harness.runfolder import Sample
from persona_atlas.models.lmeval_backend import SECRETS

PATH = regex.compile(r"(?<![\w./~\\])(?!(?<=:)//)(?:~?/+|~?\\+|\.{1,2}[/\\]|[A-Za-z]:[/\\])(?:[^\s'\"`,;:()<>|/\\]+[/\\])*([^\s'\"`,;:()<>|/\\]*)")
"""A path that begins at a root, at a home folder, or with `.` or `..`; its last part is kept."""
BLANK = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Me}\u2800]")
"""Letters and marks that are blank, or that enclose other characters, whatever their category."""
QUOTED = regex.compile(r"(['\"`])(?:~?[/\\]|[A-Za-z]:[/\\])(?:(?!\1).)*[/\\]((?:(?!\1)[^/\\])*)\1")
"""A path in quotes, which may contain spaces; its last part is kept."""
FILE = regex.compile(r"\bfile://(?=/)", regex.I)
ASKED = regex.compile(r"(://[^\s?,]*)\?[^\s,]*")
"""An address with a query string, which is removed because it may contain keys."""
USERINFO = regex.compile(r"(?<=://)[^/@\s,]+@")
HIDING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories of characters that cannot be seen or that change how others look: controls, formats (bidi among them), surrogates, private use,
unassigned, line and paragraph separators.
"""


def hidden(character: str) -> bool:
    """Whether a character cannot be seen, or covers its neighbours."""
    return unicodedata.category(character) in HIDING or BLANK.match(character) is not None


def hiding(text: str) -> str | None:
    """The first hidden character of a text, as `U+202E`; None if it has none."""
    return next((f"U+{ord(character):04X}" for character in text if hidden(character)), None)


def without_paths(text: str) -> str:
    plain = QUOTED.sub(r"\1\2\1", ASKED.sub(r"\1", FILE.sub("", text)))
    return USERINFO.sub("", PATH.sub(lambda match: match.group(1) or "…", plain))


def public_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it may be published. A model's fingerprint may contain arguments, so they are changed there, too."""
    pairs = [part.partition("=") for part in config["model_args"].split(",") if part.strip()]
    kept = [(key.strip(), value, _value(value)) for key, _, value in pairs if not _secret(key)]
    fingerprint = config["model_fingerprint"]
    for _, value, public in kept:
        fingerprint = fingerprint.replace(value, public) if value != public else fingerprint
    return {
        **config,
        "optimizer_args": _plain(config["optimizer_args"]),
        "model_args": ",".join(f"{key}={public}" for key, _, public in kept),
        "model_fingerprint": without_paths(fingerprint),
    }


def _secret(key: str) -> bool:
    return key.strip().lower() in SECRETS


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items() if not _secret(key)}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return _value(value) if isinstance(value, str) else value


def _value(text: str) -> str:
    """An argument without its folder, if it names a file: one that exists here, or one that begins like a path."""
    return Path(text).name if ("/" in text or "\\" in text) and "://" not in text and Path(text).expanduser().exists() else without_paths(text)


def public_samples(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The samples without the paths in the error messages of the optimizer and the target; prompts and answers stay as they are."""
    for sample in samples:
        if sample.failure or sample.error:
            sample = replace(sample, failure=_public(sample.failure), error=_public(sample.error))
        yield sample


def _public(said: str | None) -> str | None:
    return None if said is None else without_paths(said)


def public_dataset(name: str) -> str:
    """The name of the release, without the folder that contains it."""
    return name if name.count("/") == 1 and not Path(name).exists() and not name.startswith((".", "~", "/")) else Path(name).name or "persona-atlas"


def named_places(text: str) -> str | None:
    """The folder of this machine (the home or the working directory) that a text names; None if it names neither."""
    places = [str(place) for place in (Path.home(), Path.cwd()) if len(place.parts) > 2]
    return next((place for place in places if place in text), None)
