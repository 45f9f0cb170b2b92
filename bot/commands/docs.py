"""The page about the commands, from the table."""

import sys
from pathlib import Path

from bot.commands.table import TABLE


def page() -> str:
    """docs/commands.md."""
    lines = [
        "# Commands",
        "",
        "Generated from the table of commands by `python -m bot.commands.docs`.",
        "",
        "Write a command as a line of its own in a new comment on the pull request. Several in one comment run in",
        "their order. Comments are read when they are created: editing one changes nothing. What stands in a quote, in",
        "code or in an HTML comment is not a command, and bots cannot give any. A reaction says that a command was",
        "seen (👀), done (👍) or refused (😕); a sentence follows only where it adds something.",
        "",
        'What stands in quotation marks is one argument, as `"2027-01-23 02:00"`. Around all of a reason or a plan',
        "they are left out. A reason that is needed says something: a word at least, and not `n/a`.",
        "",
    ]
    for command in TABLE:
        lines += [f"## `{command.usage}`", "", command.summary, "", f"Who may: {command.who}.", ""]
        lines += [f"When: {command.when}.", ""] if command.when else []
        lines += [*[f"- `{example}`" for example in command.examples], ""]
    return "\n".join(lines)


if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    (root / "docs" / "commands.md").write_text(page(), encoding="utf-8")
