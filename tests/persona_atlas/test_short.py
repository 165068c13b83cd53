"""Texts that are cut for messages."""

import pytest

from persona_atlas.short import short


@pytest.mark.parametrize(
    ("text", "settings", "wanted"),
    [
        ("a" * 60, {}, "a" * 60),
        ("a" * 61, {}, "a" * 57 + "..."),
        ("one two three", {"longest": 8}, "one t..."),
        ("0123456789abcdef" * 4, {"longest": 40, "kept": 16}, "0123456789abcdef..."),
        ("v" * 40, {"longest": 40, "kept": 16}, "v" * 40),
    ],
)
def test_a_text_that_is_too_long_is_cut(text: str, settings: dict[str, int], wanted: str) -> None:
    assert short(text, **settings) == wanted
