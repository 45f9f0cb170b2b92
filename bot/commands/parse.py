"""Finds the commands that a comment visibly gives: lines of plain paragraphs that begin with a slash.

What stands in a quote, in code, in an HTML comment, a table, a heading or a list was not said to us. The Markdown
parser decides what is what, so that nobody can hide a command from the reader and show it to us.
"""

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rapidfuzz import fuzz, process

from bot.words import visible

MOST_COMMANDS = 10
_NEAR = 70.0
_LINE = re.compile(r"\r\n|\r|\n")
_WRITTEN = re.compile(r'(?:[^\s"\\]|\\.|"(?:[^"\\]|\\.)*")+')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True, slots=True)
class Given:
    """A command with its arguments.

    ``written`` has each argument as it stands in the comment, with its quotation marks: a reason is kept as it was
    written. ``text`` is everything from the name to the next command, line by line, as it stands there.
    """

    name: str
    arguments: tuple[str, ...]
    written: tuple[str, ...] = field(default=(), compare=False)
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Misspelt:
    """Something that looks like a command and is none; ``message`` says what is meant, or what is wrong."""

    name: str
    message: str


def parse(text: str, known: Collection[str]) -> tuple[Given | Misspelt, ...]:
    """The commands in ``text``, in their order. A word after a slash that is like none of ``known`` is not one."""
    lines = [(place, said) for place, line in _plain_lines(text) if (said := _command(line, known)) is not None]
    source = _LINE.split(text)
    ends = [*(place for place, _ in lines[1:]), len(source)]
    found = [_with_text(said, source[place:end]) for (place, said), end in zip(lines, ends, strict=False)]
    if len(found) <= MOST_COMMANDS:
        return tuple(found)
    message = f"A comment can give {MOST_COMMANDS} commands; from `/{found[MOST_COMMANDS].name}` on, nothing was done."
    return (*found[:MOST_COMMANDS], Misspelt(found[MOST_COMMANDS].name, message))


def _with_text(said: Given | Misspelt, lines: list[str]) -> Given | Misspelt:
    """The command with what was written from its name on."""
    if isinstance(said, Misspelt):
        return said
    begins = f"/{said.name}"
    first = lines[0].strip()
    if first[: len(begins)].lower() != begins:
        # Code that goes over a line moves what follows it: what was understood is what is kept.
        return replace(said, text=" ".join(said.written))
    return replace(said, text=_COMMENT.sub("", "\n".join([first[len(begins) :], *lines[1:]])).strip())


def _plain_lines(text: str) -> list[tuple[int, str]]:
    """The lines of paragraphs at the top level, without those that hold anything but text; each with its place."""
    lines: list[tuple[int, str]] = []
    tokens = _MARKDOWN.parse(text)
    folded = 0
    for index, token in enumerate(tokens):
        paragraph = token.type == "inline" and token.level == 1 and tokens[index - 1].type == "paragraph_open"
        if paragraph and not folded:
            assert token.map is not None, "a paragraph stands somewhere"
            lines += enumerate(_text_lines(token.children or []), token.map[0])
        for part in (token, *(token.children or [])):
            if part.type in {"html_block", "html_inline"}:
                folded = max(0, folded + _opened(part.content))
    return lines


def _opened(html: str) -> int:
    """How many folded parts begin here and do not end: what is in one is not visibly said."""
    said = _COMMENT.sub("", html).lower()
    return said.count("<details") - said.count("</details")


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
    word, *rest = line[1:].split(None, 1)
    name = word.lower()
    if name not in known:
        return _misspelt(name, known)
    try:
        shown = visible("".join(rest))
        return Given(name, _arguments(shown), tuple(_WRITTEN.findall(shown)))
    except ValueError:
        return Misspelt(name, f"In `/{name}`, a quotation mark is not closed, or a backslash has nothing after it.")


def _arguments(text: str) -> tuple[str, ...]:
    """The words; what stands in quotation marks is one. An apostrophe is one: reasons are given in prose."""
    words = shlex.shlex(text, posix=True)
    words.whitespace_split, words.commenters, words.quotes = True, "", '"'
    return tuple(words)


def _misspelt(name: str, known: Collection[str]) -> Misspelt | None:
    """What was meant, where a word is so near that nobody else's command is likely to be it."""
    shown = visible(name)
    plain = shown.replace(" ", "").rstrip(".,:;!?")
    near = process.extractOne(plain, known, scorer=fuzz.ratio, score_cutoff=_NEAR)
    if near is None or not plain.isalpha():
        return None
    if shown != name:
        return Misspelt(plain, f"This is not `/{near[0]}`: it has characters that nobody can see. Write it by hand.")
    return Misspelt(plain, f"There is no `/{shown}`. Did you mean `/{near[0]}`?")
