"""Texts as they are seen: what makes two of them the same although their bytes differ."""

import unicodedata

import regex

WORD = regex.compile(r"\w+")
UNSEEN = regex.compile(r"[\p{C}\p{M}\p{Default_Ignorable_Code_Point}]")


class _Letters(dict[int, str]):
    """Character -> the visible letters in it. A character has the same ones wherever it stands, so each is looked into once."""

    def __missing__(self, character: int) -> str:
        bare = unicodedata.normalize("NFKD", UNSEEN.sub("", chr(character)))
        self[character] = found = "".join(WORD.findall(UNSEEN.sub("", bare))).casefold()
        return found


_LETTERS = _Letters()


def words(text: str) -> int:
    """Return a hash of the letters of a text; valid within one process."""
    return hash(letters(text))


def letters(text: str) -> str:
    """Return the visible words, joined, without case, accents, spaces, punctuation and invisible characters."""
    return text.translate(_LETTERS)
