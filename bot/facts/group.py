"""What a group of the merge queue is made of: the entry that ends in its head, and everything before it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.facts.model import FactsIncomplete
from bot.facts.parse import signature


@dataclass(frozen=True, slots=True)
class Group:
    """The numbers of the pull requests in a group with the heads that it merges, and what it has besides."""

    members: tuple[tuple[int, str], ...]
    foreign: tuple[FactsIncomplete, ...]


def group(entries: Sequence[Mapping[str, Any]], head: str) -> Group | None:
    """The group of the head commit ``head``; None when the queue has none that ends there."""
    ending = next((each["position"] for each in entries if (each["headCommit"] or {}).get("oid") == head), None)
    if ending is None:
        return None
    ahead = sorted((each for each in entries if each["position"] <= ending), key=lambda each: each["position"])
    members = tuple(
        (each["pullRequest"]["number"], each["pullRequest"]["headRefOid"]) for each in ahead if each["pullRequest"]
    )
    foreign = [gap for place, each in enumerate(ahead) for gap in _foreign(each, ahead[place - 1] if place else None)]
    return Group(members, tuple(foreign))


def _foreign(entry: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[FactsIncomplete, ...]:
    """What a commit of the group has that neither the pull request nor the queue before it brought.

    GitHub makes and signs these commits. A merge names the head that it merges; a squash has one parent.
    """
    pull, commit = entry["pullRequest"], entry["headCommit"]
    if pull is None:
        return (FactsIncomplete("an entry of the merge queue", "GitHub shows no pull request for it"),)
    what = f"the commit of #{pull['number']} in the merge queue"
    if commit is None:
        return (FactsIncomplete(what, "GitHub has not made it yet"),)
    signed = signature(commit["signature"])
    if signed is None or not signed.valid or not signed.by_github:
        return (FactsIncomplete(what, f"{commit['oid'][:7]} was not made and signed by GitHub"),)
    parents = [each["oid"] for each in commit["parents"]["nodes"]]
    base = (before["headCommit"] or {}).get("oid") if before is not None else (entry["baseCommit"] or {}).get("oid")
    if parents[:1] != [base] or parents[1:] not in ([], [pull["headRefOid"]]):
        return (FactsIncomplete(what, f"{commit['oid'][:7]} is not the merge of its head on top of the queue"),)
    return ()
