"""The checkers, one short module per family. Importing this package registers them all."""

from persona_atlas.preferences.checkers import (
    clock,
    code,
    comparison,
    content,
    framing,
    hard,
    length,
    locale,
    outlay,
    persons,
    structure,
    tone,
    wording,
)

__all__ = ["clock", "code", "comparison", "content", "framing", "hard", "length", "locale", "outlay", "persons", "structure", "tone", "wording"]
