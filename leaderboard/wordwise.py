"""Texts as they are seen: what makes two of them the same although their bytes differ."""

import unicodedata

import regex

WORD = regex.compile(r"\w+")
UNSEEN = regex.compile(r"[\p{C}\p{M}\p{Default_Ignorable_Code_Point}]")


def words(text: str) -> int:
    """Return a digest of the words as they are seen, without case, accents, marks, what cannot be seen, and whatever stands between them. It holds
    within one process only.
    """
    bare = UNSEEN.sub("", text)  # first, since sorting a long run of marks takes quadratic time; what is composed of marks is taken apart after it
    return hash("".join(WORD.findall(UNSEEN.sub("", unicodedata.normalize("NFKD", bare)).casefold())))
