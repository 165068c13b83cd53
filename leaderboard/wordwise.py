"""Texts as they are seen: what makes two of them the same although their bytes differ."""

import unicodedata

import regex

WORD = regex.compile(r"\w+")
UNSEEN = regex.compile(r"[\p{C}\p{M}\p{Default_Ignorable_Code_Point}]")


def words(text: str) -> int:
    """Return a hash of the letters of a text; valid within one process."""
    return hash(letters(text))


def letters(text: str) -> str:
    """Return the visible words, joined, without case, accents, spaces, punctuation and invisible characters."""
    bare = UNSEEN.sub("", text)  # first, since sorting a long run of marks takes quadratic time; what is composed of marks is taken apart after it
    return "".join(WORD.findall(UNSEEN.sub("", unicodedata.normalize("NFKD", bare)).casefold()))
