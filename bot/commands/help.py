"""``/help``: which commands there are."""

from rapidfuzz import process

from bot.commands.model import Answer, Command, Situation
from bot.facts.model import Permission
from bot.words import listed


def _run(situation: Situation) -> Answer:
    commands = {command.name: command for command in situation.table}
    if not situation.arguments:
        # In a table of GitHub's Markdown, a bar ends the cell, also in code.
        usages = [each.usage.replace("|", "\\|") for each in situation.table]
        rows = [
            f"| `{usage}` | {each.summary} | {_who(each)} |"
            for usage, each in zip(usages, situation.table, strict=True)
        ]
        return Answer(done=True, reply="\n".join(["| command | what it does | who may |", "|---|---|---|", *rows]))
    wanted = situation.arguments[0].lstrip("/").lower()
    command = commands.get(wanted)
    if command is None:
        near = process.extractOne(wanted, list(commands), score_cutoff=60)
        suggestion = f" Did you mean `/help {near[0]}`?" if near else ""
        return Answer(
            done=False,
            reply=f"There is no such command.{suggestion} There are {listed([f'`/{name}`' for name in commands])}.",
        )
    examples = "\n".join(f"- `{example}`" for example in command.examples)
    return Answer(done=True, reply=f"`{command.usage}`: {command.summary} For {_who(command)}.\n\n{examples}")


def _who(command: Command) -> str:
    return f"{command.who}, {command.when}" if command.when else command.who


COMMAND = Command(
    name="help",
    usage="/help [command]",
    summary="Lists the commands, or explains one.",
    examples=("/help", "/help explain"),
    permission=Permission.READ,
    run=_run,
)
