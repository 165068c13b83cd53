"""Cuts texts for messages, so that whatever stands in a file fits into a sentence."""


def short(text: str, longest: int = 60, kept: int | None = None) -> str:
    """Return the text if it has at most `longest` characters, else what it begins with and three dots.

    `kept`: how many characters stand before the dots; by default as many as make `longest` with them. A digest is told by its first 16.
    """
    if len(text) <= longest:
        return text
    return text[: longest - 3 if kept is None else kept] + "..."
