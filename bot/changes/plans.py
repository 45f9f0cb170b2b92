"""The plans of a change, read from the sections of its pull request's description.

What counts is what a reader of the description sees: text in HTML comments is not there, a heading in a block of code
is none. A section that only says "n/a" or "to be done", names a ticket and nothing else, has nothing but headings, or
still is the template's own, is missing. An honest plan can be short: "git revert" is one.
"""

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass

from markdown_it import MarkdownIt

from bot.policy.model import Plan
from bot.words import visible

LONGEST = 20_000
"""Characters of a section that are kept."""

LEAST = 12
"""Letters and figures that a section must have to say anything, unless it is an order; a word counts once."""

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_MARKUP = re.compile(r"^\s*(?:[-*+>#]|\d+[.)]|\[[ xX]\])+\s*|[*_`~|]")
_HEADING = re.compile(r"^ {0,3}#{1,6}(\s.*)?$", re.MULTILINE)
_NOT_TEXT = re.compile(r"!\[[^\[\]\n]{0,300}\]\([^()\n]{0,500}\)|<[^<>\n]{0,300}>|(?<=\])\([^()\n]{0,500}\)")
_LATER = re.compile(
    r"(todo|tbd|tba|tbc|fixme|wip|lorem ipsum)\b.*"
    r"|(please |will )?(fill|add|write|do|complete) ((this|it|that|me|in|out) )*later( \w+){0,2}"
)
_ASKS = re.compile(
    r"(please )?(insert|enter|describe|add|put|write) (\w+ ){0,6}here|please (describe|enter|add|fill)\b.*"
)
# Up to the end of its sentence: what is said after that can be a plan.
_NOT_APPLICABLE = re.compile(
    r"(\s|[-*+>#_`~]|\d+[.)]|\[[ xX]\])*(n ?/ ?a\b|n\.a\.|not applicable\b).*?([.;](?=\s|$)|\bbut\b|$)", re.IGNORECASE
)
_TICKET = re.compile(
    r"(https?://\S{0,300}/)?(\b[A-Z][A-Z0-9]{1,9}-\d+|#\d+|\b[A-Z]{2,10}\d{4,})\b"
    r"|https?://\S{1,300}/(issues|pull)/\d+",
    re.ASCII,
)
_POINTER = re.compile(
    r"((see|cf|per|as per|as in|refer to|described in|documented in|tracked in) )?((the|our|jira|issue|story) )*"
    r"ticket( ticket)*( for (the |more )?details)?"
)
_ONE_LETTER = re.compile(r"(.)\1{2,}")
_BETWEEN = re.compile(r"[.;:,!?()\[\]/\u2013\u2014-]+|\s{2,}")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the description: its heading, other headings that are taken for it, and what it should say."""

    heading: str
    aliases: tuple[str, ...]
    prompt: str


JUSTIFICATION = Section(
    "Justification",
    ("business justification", "reason", "why", "motivation"),
    "Why this change is made, and what happens if it is not.",
)

PLANS = {
    Plan.IMPLEMENTATION: Section(
        "Implementation plan",
        ("implementation", "deployment plan", "rollout plan", "release plan"),
        "The steps, who does them, how long they take, and what stops them.",
    ),
    Plan.TEST: Section(
        "Test plan",
        ("test", "tests", "testing", "test plans", "how was this tested"),
        "What was tested, where, with which result, and who accepted it.",
    ),
    Plan.BACKOUT: Section(
        "Backout plan",
        ("backout", "back out plan", "rollback", "rollback plan", "roll back plan"),
        "What makes you go back, who decides it, the steps, how long they take, and what becomes of the data.",
    ),
    Plan.IMPACT: Section(
        "Impact",
        ("impact plan", "impact analysis", "impact assessment", "risk and impact"),
        "Which services and customers notice it, and what happens to them if it goes wrong.",
    ),
}
"""The section of each plan; the template and every reminder are made of these."""

_NOTHING = frozenset(
    {
        *("", "n a", "na", "none", "nil", "null", "not applicable", "no reason"),
        *("tbd", "tba", "tbc", "todo", "to do", "xxx", "fixme", "placeholder", "lorem ipsum"),
    }
)
"""What is no reason either."""

_EMPTY = frozenset(
    {
        *_NOTHING,
        *("no", "not needed", "not required", "none needed"),
        *("to be done", "to be defined", "to be determined", "to be completed"),
        *("pending", "later", "wip", "work in progress", "coming soon"),
        *("see above", "see below", "same as above", "same", "as usual", "standard", "yes", "ok", "done", "nothing"),
        *("fill in", "fill me in", "please fill in", "insert here", "test", "none required", "not required here"),
        *("will be added later", "to be added", "to be added later", "added later", "will follow", "to follow"),
        *("not needed for this change", "not required for this change", "not applicable to this change"),
        *("same as last time", "see jira", "see the pull request"),
    }
)
_ORDERS = frozenset(
    {
        *(
            "deploy",
            "disable",
            "redeploy",
            "release",
            "rerun",
            "reset",
            "restart",
            "restore",
            "revert",
            "roll",
            "rollback",
        ),
        *("run", "stop", "switch", "turn", "undo", "git", "helm", "kubectl"),
    }
)
"""What a plan of a few words begins with."""


@dataclass(frozen=True, slots=True)
class Sections:
    """What a description says, section by section; ``opening`` is its text before the first heading."""

    opening: str
    justification: str
    plans: tuple[tuple[Plan, str], ...]

    def plan(self, which: Plan) -> str:
        """The text of a plan; empty when it is missing."""
        return dict(self.plans).get(which, "")


def mark(text: str) -> str:
    """A name for the text of a section, by which it is seen that somebody has edited it."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def read(body: str) -> Sections:
    """The sections of a description. What says nothing is left out."""
    opening, parts = _split(body)
    plans = tuple((plan, text) for plan in Plan if (text := _section(PLANS[plan], parts)))
    return Sections(_said(opening), _section(JUSTIFICATION, parts), plans)


def says_something(text: str) -> bool:
    """Whether a section has more than placeholders, prompts of the template, and what nobody sees."""
    text = html.unescape(_NOT_TEXT.sub(" ", _HEADING.sub("", _COMMENT.sub("", text))))
    lines = [_applicable(line) for line in _TICKET.sub("ticket", text).splitlines()]
    kept = " ".join(line for line in map(_plain, lines) if not _is_empty(line))
    for prompt in _PROMPTS:
        kept = kept.replace(prompt, " ")
    words = [word for word in kept.split() if not _ONE_LETTER.fullmatch(word)]
    return sum(char.isalnum() for word in set(words) for char in word) >= LEAST or _is_order(words)


def gives_reason(text: str) -> bool:
    """Whether that is a reason: a word that can be seen, and no placeholder. Short is enough."""
    return " ".join(_words(_plain(text))) not in _NOTHING


def template() -> str:
    """The description that is offered for a pull request: ``config/change-template.md``."""
    parts = [f"## {each.heading}\n\n<!-- {each.prompt} -->\n" for each in (JUSTIFICATION, *PLANS.values())]
    return "\n".join(parts)


def to_add(section: Section) -> str:
    """The text that a description lacks, to be copied into it."""
    return f"## {section.heading}\n\n{section.prompt}\n"


def _section(section: Section, parts: list[tuple[str, str]]) -> str:
    """The texts under all headings that are taken for the section."""
    names = {section.heading.lower(), *section.aliases}
    found = [_said(text) for heading, text in parts if heading in names]
    return "\n\n".join(text for text in found if text)[:LONGEST]


def _said(text: str) -> str:
    shown = _COMMENT.sub("", text).strip()
    return shown if says_something(shown) else ""


def _split(body: str) -> tuple[str, list[tuple[str, str]]]:
    """The lines before the first heading, and each heading with the lines until the next one of its level."""
    lines = body.splitlines()
    tokens = _MARKDOWN.parse("\n".join(lines))
    # A heading inside of a list or a quotation belongs to that.
    found = [
        (token.map[0], token.map[1], int(token.tag[1]), tokens[place + 1].content)
        for place, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    parts = []
    for place, (_, end, level, heading) in enumerate(found):
        until = next((start for start, _, other, _ in found[place + 1 :] if other <= level), len(lines))
        parts.append((_plain(heading), "\n".join(lines[end:until])))
    first = found[0][0] if found else len(lines)
    return "\n".join(lines[:first]), parts


def _normal(line: str) -> str:
    """A line as it is seen, in plain characters."""
    return unicodedata.normalize("NFKC", visible(line))


def _plain(line: str) -> str:
    """A line in lower case, without markup and without what separates words."""
    return " ".join(_BETWEEN.sub(" ", _MARKUP.sub("", _normal(line).lower())).split())


def _applicable(line: str) -> str:
    """What a line says after a sentence that nothing applies, if it begins with one; else all of it."""
    seen = _normal(line)
    found = _NOT_APPLICABLE.match(seen)
    return seen[found.end() :] if found else seen


def _words(line: str) -> list[str]:
    return [word for word in line.split() if any(char.isalnum() for char in word)]


def _is_empty(line: str) -> bool:
    """Whether the line is a placeholder, or several: ``n/a - tbd``; or says that something is elsewhere, or to be."""
    words = _words(line)
    said = " ".join(words)
    if said in _EMPTY or any(each.fullmatch(said) for each in (_LATER, _ASKS, _POINTER)):
        return True
    return any(
        " ".join(words[:size]) in _EMPTY and _is_empty(" ".join(words[size:])) for size in range(1, min(4, len(words)))
    )


def _is_order(words: list[str]) -> bool:
    """Whether that says what to do, however short: ``revert it``, ``git revert``."""
    return len(set(words)) > 1 and words[0] in _ORDERS and " ".join(words[1:]) not in _EMPTY


_PROMPTS = frozenset(_plain(each.prompt) for each in (JUSTIFICATION, *PLANS.values()))
