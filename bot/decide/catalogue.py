"""Every finding that there is, or will be: its id, what it is about, and whether this version has it.

The one list of finding ids. Packs of controls are checked against it, and a report that names a finding which is not
built says so instead of staying silent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of finding. ``meaning`` is what is true where nothing is wrong; ``built`` says that this version looks.

    A ``quiet`` one is left out of a decision where it has nothing to say: its absence is then the evidence.
    """

    id: str
    meaning: str
    built: bool
    quiet: bool = False


def _listed(entries: Iterable[tuple[str, str]], *, built: bool, quiet: bool = False) -> list[Entry]:
    return [Entry(name, meaning, built, quiet) for name, meaning in entries]


_BUILT = (
    ("separation", "Nobody who contributed or asked counts as approver, where the policy keeps the two apart."),
    ("approvals", "The people whom the policy demands approved the head commit, and none of them contributed to it."),
    ("identity", "Every author, committer and pusher of the change is a known account."),
    ("pull-request", "A member of a merge queue's group passes by its own findings."),
    ("window", "It is time for this change, where its merge releases it: a window of its tier is open."),
    ("freeze", "No freeze holds for this change, where its merge releases it."),
)

_BUILT_AND_QUIET = (
    ("facts", "Everything that the decision needs could be read."),
    ("policy", "The policy that the change is judged by is sound."),
    ("draft", "The pull request is ready for review."),
    ("objections", "Nobody who has a say asks for changes."),
    ("policy-change", "A change to the policy is approved by the policy's owners."),
    ("risk", "The tier follows from the application and from what the change touches, and every rule has an answer."),
    ("rule", "The organisation's own rules hold for the change."),
    ("shared-head", "The head commit is that of no other pull request that does not pass."),
    ("mergeable", "The change merges as it was looked at, without conflicts."),
    ("inventory", "The repository belongs to an application of the inventory."),
    ("unauthorised-change", "Every commit on a protected branch came there through a change that passed."),
    ("change-record", "The change has a complete record, which is about this commit, in the system of records."),
    ("plans", "The plans that the tier demands (implementation, test, back-out, impact) are written and are of use."),
    ("sign-off", "Every function that the tier names signed off, each by another person."),
    ("cab", "The Change Advisory Board approved the change with its quorum, and no contributor voted."),
    ("conflict", "No other change to the same thing is under way at the same time."),
    (
        "emergency",
        "An emergency was declared by somebody who may, approved by the emergency board, and reviewed in time.",
    ),
    ("hold", "Nobody who may hold the change holds it."),
    ("guards", "What the change touches of what guards changes is named."),
    ("noteworthy-reviews", "Reviews that somebody should know of are named."),
)

_TO_COME = (
    ("protection", "The protected branch has the rules and the required check that the policy demands."),
    ("workflow-change", "A change to what builds, tests or deploys is approved by those who answer for it."),
    (
        "co-authors",
        "Every co-author is a known person, and two people wrote the change where the policy asks for a pair.",
    ),
    ("waiver", "What is waived was waived by somebody who may, for a reason, and until a moment that is not over."),
    ("secrets", "The changed lines hold no secret."),
    (
        "infrastructure",
        "The changed infrastructure keeps encryption, access logs, retention and tags as the policy demands.",
    ),
    ("dependencies", "The changed dependencies are allowed, and so are their licences."),
    ("workflows", "The changed workflows use only actions that are allowed, each pinned as the policy demands."),
    ("signatures", "Every commit carries a signature that GitHub could verify."),
    ("evidence", "The reports that the policy demands are there for this very commit, and within their limits."),
    ("range", "Every commit that a deployment ships passed, and the roles are kept apart over all of them together."),
    ("cool-down", "The change has rested for as long as its tier demands."),
    ("deployments", "There are no more deployments in the period than the tier allows."),
    ("verification", "Somebody other than the deployer confirmed the change in production in time."),
)

CATALOGUE = {
    entry.id: entry
    for entry in (
        *_listed(_BUILT, built=True),
        *_listed(_BUILT_AND_QUIET, built=True, quiet=True),
        *_listed(_TO_COME, built=False),
    )
}
"""Entries by id, in the order in which they are told."""


NEVER_OBSERVED: Mapping[str, str] = {
    "facts": "what could not be read would pass, and nobody knows what it is",
    "policy": "without a sound policy nobody knows what is demanded",
    "policy-change": "whoever wants a looser policy would only have to merge it",
    "pull-request": "a group of the merge queue passes as its members do, and what they lack can be observed",
    "shared-head": "the check is that of another pull request as well, which does not pass",
}
"""Findings that block in every policy that enforces, each with why.

They do not say what a change lacks, but that nobody can know: what is decided about, by which rules, for which change.
What a change lacks can be observed for a time, approvals and separation too: that is how a bank begins.
"""


def kind(finding_id: str) -> str:
    """The catalogue's id of a finding: ``rule`` of ``rule:large-change``."""
    return finding_id.partition(":")[0]
