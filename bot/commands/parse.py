"""Finds the commands that a comment visibly gives: lines of plain paragraphs that begin with a slash.

What stands in a quote, in code, in an HTML comment, a table, a heading or a list was not said to us. The Markdown
parser decides what is what, so that nobody can hide a command from the reader and show it to us.
"""

import shlex
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rapidfuzz import process

MOST_COMMANDS = 10
_NEAR = 70.0
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Given:
    """A command with its arguments."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Misspelt:
    """Something that looks like a command and is none; ``message`` says what is meant, or what is wrong."""

    name: str
    message: str


def parse(text: str, known: Collection[str]) -> tuple[Given | Misspelt, ...]:
    """The commands in ``text``, in their order. A word after a slash that is like none of ``known`` is not one."""
    found = [said for line in _plain_lines(text) if (said := _command(line, known)) is not None]
    return tuple(found[:MOST_COMMANDS])


def _plain_lines(text: str) -> list[str]:
    """The lines of paragraphs at the top level, without those that hold anything but text."""
    lines: list[str] = []
    tokens = _MARKDOWN.parse(text)
    hidden = 0
    for index, token in enumerate(tokens):
        if token.type == "html_block":
            # A folded part is not visibly said; it may go on over several blocks.
            lowered = token.content.lower()
            hidden = max(0, hidden + lowered.count("<details") - lowered.count("</details"))
        paragraph = token.type == "inline" and token.level == 1 and tokens[index - 1].type == "paragraph_open"
        if paragraph and not hidden:
            lines += _text_lines(token.children or [])
    return lines


def _text_lines(children: list[Token]) -> list[str]:
    """The lines of one paragraph; a line with markup in its first word is left out."""
    lines: list[str] = [""]
    for child in children:
        match child.type:
            case "softbreak" | "hardbreak":
                lines.append("")
            case "text" | "text_special":
                lines[-1] += child.content
            case "html_inline":
                # Hidden from the reader: the rest of the paragraph may be, too.
                return lines[:-1]
            case "code_inline":
                # An argument may be written as code, a command may not.
                lines[-1] += child.content if lines[-1].strip() else "\x00"
            case _:
                lines[-1] += "" if lines[-1].strip() else "\x00"
    return lines


def _command(line: str, known: Collection[str]) -> Given | Misspelt | None:
    if not line.startswith("/") or len(line) < 2 or not line[1].isalpha():
        return None
    word, _, rest = line[1:].partition(" ")
    name = word.lower()
    if any(unicodedata.category(char) in {"Cf", "Cc"} for char in line):
        return Misspelt(name, "The line has characters that nobody can see. Write the command again by hand.")
    if name not in known:
        near = process.extractOne(name, known, score_cutoff=_NEAR)
        return Misspelt(name, f"There is no `/{name}`. Did you mean `/{near[0]}`?") if near and name.isalpha() else None
    try:
        return Given(name, tuple(shlex.split(rest)))
    except ValueError:
        return Misspelt(name, f"A quotation mark in `/{name}` is not closed.")
