"""The checkers, one short module a family. Importing this package registers them all."""

from persona_atlas.preferences.checkers import content, framing, hard, length, locale, structure, wording

__all__ = ["content", "framing", "hard", "length", "locale", "structure", "wording"]
