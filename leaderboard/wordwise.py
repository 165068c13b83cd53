"""Texts as they are seen: what makes two of them the same although their bytes differ."""

import unicodedata

import regex

WORD = regex.compile(r"\w+")
UNSEEN = regex.compile(r"(?V1)[\p{C}\p{M}\p{Default_Ignorable_Code_Point}--[\n\t]]")


def words(text: str) -> int:
    """Return a digest of the words as they are seen, without case, accents, marks and what cannot be seen. It holds within one process only."""
    return hash(tuple(WORD.findall(UNSEEN.sub("", unicodedata.normalize("NFKD", text)).casefold())))
