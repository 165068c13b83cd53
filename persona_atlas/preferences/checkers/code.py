"""Checkers for comments in code. Which signs begin a comment depends on the language that the code fence names."""

import regex

from persona_atlas.answer import Answer, Block
from persona_atlas.preferences.registry import checker

_HASH = r"(?<!\S)#(?!!)|<#"
_SLASH = r"(?<!:)//|/\*"
_BLOCK = r"/\*"
_DASH = r"(?<!\S)--|/\*"
_PERCENT = r"(?<!\\)%"
_SEMICOLON = r"(?<!\S);|(?<!\S)#"
_MARKUP = r"<!--"
_NONE = r"(?!)"
_GUESS = r"^\s*(?:#(?!!|include\b|define\b|\w+\s*\{)|//|--\s|;\s|%\s)|(?<=[;{})])\s*//|(?<=\S)\s+#\s|/\*|<!--"
"""For a fence that names no known language: comment signs where they can hardly mean anything else, as at the start of a line."""

_HASH_LANGUAGES = (
    "python py python3 pycon ipython bash sh shell zsh fish console ruby rb perl r julia elixir nim yaml yml toml "
    "dockerfile makefile make powershell ps1"
)
_SLASH_LANGUAGES = (
    "c h cpp c++ java javascript js typescript ts jsx tsx go golang rust rs swift kotlin kt scala dart csharp cs c# scss less json jsonc json5 groovy"
)
_LANGUAGES = {
    _HASH: _HASH_LANGUAGES,
    _SLASH: _SLASH_LANGUAGES,
    _SLASH + "|" + _HASH: "php hcl terraform",
    _BLOCK: "css",
    _DASH: "sql mysql postgresql postgres sqlite plsql tsql lua haskell hs ada vhdl elm applescript",
    _PERCENT: "matlab octave latex tex erlang prolog",
    _SEMICOLON: "ini conf cfg lisp elisp clojure clj scheme racket asm nasm",
    _MARKUP: "html xml svg xhtml markdown md",
    _MARKUP + "|" + _SLASH: "vue svelte",
    r"(?<!\S)'": "vb vba vbnet basic",
    r"^\s*(?:[Rr][Ee][Mm]\s|::)": "bat batch cmd",
    r"!": "fortran f90",
    _NONE: "text txt plain plaintext output diff csv",
}
_SIGN = {language: sign for sign, languages in _LANGUAGES.items() for language in languages.split()}
_DOCSTRING = r"^[ \t]*[rRuU]?(?:\"{3}.*?\"{3}|'{3}.*?'{3})"
_STRING = r"\"{3}.*?\"{3}|'{3}.*?'{3}|`[^`]*`|\"(?:\\.|[^\"\\\n])*\"|(?<![\w)\]])[rRbBfFuU]{0,2}'(?:\\.|[^'\\\n])*'"
"""A single quote after a word or a closing bracket begins no string: it transposes a matrix, or is an apostrophe."""


@checker("code_commented")
def code_commented(answer: Answer) -> float:
    """1 if there is code with a comment or docstring in it."""
    return 1.0 if any(_commented(block) for block in answer.of_kind("code")) else 0.0


@checker("code_bare")
def code_bare(answer: Answer) -> float:
    """1 if there is code, and no comment or docstring in any of it."""
    return 1.0 if answer.of_kind("code") and not code_commented(answer) else 0.0


def _commented(block: Block) -> bool:
    """Whether the block contains a comment or docstring. Strings are matched as well, so that a comment sign inside one is skipped."""
    remark = _SIGN.get(block.language, _GUESS)
    if remark in (_HASH, _GUESS):
        remark = f"{_DOCSTRING}|{remark}"
    return any(match.group("remark") for match in regex.finditer(rf"(?ms)(?P<remark>{remark})|{_STRING}", block.text))
