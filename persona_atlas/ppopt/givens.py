"""The sentence that repeats what a question gives: `Given: 20 bath towels, 520 g each, 5 kg.`

Training answers start with it, so that the trained model stays on the subject of a question that it cannot solve: copying from the question is
something that a small model can learn, and knowing the answer is not.
"""

from functools import lru_cache
from importlib.resources import files

import regex

from persona_atlas.content import read_yaml

FIELD = r"\{[^{}|]+(?:\|(?!swap)\w+(?::[^{}]+)?)?\}"
SPAN = regex.compile(rf"(?P<field>{FIELD})(?P<after>(?:[ -][a-zA-Z'-]+){{0,3}})")
NOT = regex.compile(
    r"\b(?:no|not|nothing|never|without|avoid|minus|anything but|except|allergic to|other than|instead of|dislikes?|hates?)\b[^.?!]{0,25}$",
    regex.I,
)
MOST = 4


def givens(wording: str) -> str | None:
    """Return the sentence for a wording of a question (markup, with fields), or None where the question gives nothing.

    It lists at most MOST fields, each with the words that go with it, and none that the question excludes.
    """
    found: list[str] = []
    for match in SPAN.finditer(wording):
        if NOT.search(wording[: match.start()]):
            continue
        text = match.group("field") + _going_with(match.group("after"))
        if text not in found:
            found.append(text)
    return f"Given: {', '.join(found[:MOST])}." if found else None


@lru_cache(maxsize=1)
def _starts() -> frozenset[str]:
    """Words that start something new."""
    return frozenset(read_yaml(files("persona_atlas.ppopt").joinpath("givens.yaml"))["starts"])


def _going_with(after: str) -> str:
    """Return the words before the first that starts something new; `each` is kept, since it belongs to what it follows."""
    kept = ""
    for word in regex.findall(r"[ -][a-zA-Z'-]+", after):
        if word.strip(" -").lower() in _starts():
            return kept + (word if word == " each" else "")
        kept += word
    return kept
