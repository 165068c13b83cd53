"""Writes the reference of the commands from the commands themselves, at the line `::: commands` of a page."""

import html
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import click

COMMANDS = {
    "atlas-eval": "eval_harness.cli",
    "atlas-generate": "generation.cli",
    "atlas-train": "persona_atlas.ppopt.cli",
    "atlas-leaderboard": "leaderboard.cli",
}
MARK = "::: commands"


def on_page_markdown(markdown: str, **_: Any) -> str:
    if MARK not in markdown:
        return markdown
    lines = [line for name, module in COMMANDS.items() for line in described(importlib.import_module(module).main, name, "##")]
    return markdown.replace(MARK, "\n".join(lines))


def described(command: click.Command, name: str, level: str) -> Iterator[str]:
    """A command, then the commands in it, as Markdown lines."""
    context = click.Context(command, info_name=name)
    yield from (f"{level} {name}", "", *said(command.help or ""), "", "```text", context.get_usage().removeprefix("Usage: "), "```", "")
    records = [record for option in command.get_params(context) if (record := option.get_help_record(context)) and record[1]]
    if records:
        yield from ("| flag | what it does |", "|---|---|", *(row(*record) for record in records), "")
    if isinstance(command, click.Group):
        for below in sorted(command.commands):
            yield from described(command.commands[below], f"{name} {below}", f"{level}#")


def said(text: str) -> Iterator[str]:
    """The paragraphs of a help text; one that stays as it is typed (\\b) as code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        typed = paragraph.startswith("\b\n")
        yield from ("```text", paragraph[2:], "```") if typed else (paragraph,)
        yield ""


def row(flag: str, text: str) -> str:
    """A flag, without its second spelling in dashes, and what its help says."""
    first, comma, second = flag.partition(", --")
    if comma:
        first += second.removeprefix(first.lstrip("-").replace("_", "-"))
    return f"| <code>{escape(first)}</code> | {escape(text)} |"


def escape(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "&#124;").replace("*", "&#42;").replace("_", "&#95;")
