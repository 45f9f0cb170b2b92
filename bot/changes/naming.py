"""The name of what a change does, whatever it is based on: authorisations, votes and waivers are given for it.

A name has the digest of what is done to files, and the commit that it was first given to. Another commit gets it only
where it is shown to make the same change, with the same modes of files: what a name is compared with was given to some
commit, and that one is looked at again. So a clean rebase keeps the name, and a push of nothing but a mode does not.
What GitHub does not show whole is named by its commit, which any push changes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bot.facts import lineage
from bot.facts.diffs import Comparison, content
from bot.facts.model import PullRequestFacts
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Given:
    """A name that something depends on, and the last commit that was seen to have it; empty where that is not known."""

    name: str
    head: str


async def name(
    store: Store,
    github: InstallationClient,
    facts: PullRequestFacts,
    base: str,
    given: Sequence[Given],
    lane: Lane,
) -> str:
    """The name of what the head changes of the commit ``base``: one of those ``given`` where it is the same.

    Where nothing depends on a name, nothing more is read than the one comparison.

    Raises:
        Transient: GitHub could not answer.

    """
    head = facts.head.oid
    shown = await lineage.compare(store, github, facts.repository, base, head, lane)
    does = content(shown) if shown is not None else ""
    if shown is None or not does:
        return head
    # What was not shown whole when it was named, and is by now, is the same commit still.
    known = {does, _before(shown), head} - {""}
    alike = [each for each in given if each.head and each.name.partition("@")[0] in known]
    for each in sorted(alike, key=lambda each: each.head != head):
        commits = each.head, head
        if each.head == head or await lineage.is_same(store, github, facts.repository, base, commits, lane):
            return each.name
    return f"{does}@{head}"


def _before(shown: Comparison) -> str:
    """The digest that names had before they told modes apart; what was given by them still holds."""
    if not all(each.patch for each in shown.files):
        return ""
    told = [(each.path, each.previous, each.status, each.patch) for each in shown.files]
    return hashlib.sha256(repr(told).encode()).hexdigest()
