"""Small facts and policies in the words of the rules, so that a test reads as one sentence of them."""

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.decide.evaluate import decide
from bot.decide.verdict import CountedReview, Decision, Finding
from bot.facts.model import (
    Account,
    AccountKind,
    Branch,
    ChangedFile,
    Commit,
    FactsIncomplete,
    FileChange,
    GitIdentity,
    Mergeability,
    Permission,
    PullRequestFacts,
    PullRequestState,
    Push,
    Repository,
    Review,
    ReviewState,
    Signature,
    Standing,
)
from bot.facts.people import WEB_FLOW
from bot.policy.model import Application, Approvals, Mode, Policy, Problem, Role, Separation, Tier, TierRules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REPOSITORY = Repository(77, "acme", "ledger")
SECURITY = ("acme/appsec",)


def oid(mark: str) -> str:
    """The commit that a test calls ``mark``."""
    return hashlib.sha1(mark.encode()).hexdigest()


def account(login: str, kind: AccountKind = AccountKind.USER) -> Account:
    """The account of that login; the same login is the same account."""
    return Account(1000 + zlib.crc32(login.encode()) % 1_000_000, login, kind)


def bot(login: str) -> Account:
    return account(login, AccountKind.BOT)


GITHUB = Account(WEB_FLOW, "web-flow")
BY_GITHUB = Signature(valid=True, state="VALID", signer=GITHUB, by_github=True)


def identity(login: str) -> GitIdentity:
    """What git says of somebody whose address GitHub knows."""
    return GitIdentity(login, f"{login}@acme.example", account(login))


def stranger(email: str, name: str = "") -> GitIdentity:
    """What git says of somebody whose address GitHub does not know."""
    return GitIdentity(name, email, None)


def web_flow() -> GitIdentity:
    return GitIdentity("GitHub", "noreply@github.com", GITHUB)


def commit(
    mark: str = "head",
    author: str | GitIdentity = "ana",
    *,
    co_authors: Sequence[str | GitIdentity] = (),
    committer: str | GitIdentity | None = None,
    merges: str | None = None,
    signature: Signature | None = None,
) -> Commit:
    """A commit; its author committed it where nothing else is said."""
    first = identity(author) if isinstance(author, str) else author
    others = [identity(each) if isinstance(each, str) else each for each in co_authors]
    by = first if committer is None else identity(committer) if isinstance(committer, str) else committer
    parents = (oid(f"before {mark}"), *([oid(merges)] if merges else []))
    return Commit(oid(mark), f"Commit {mark}", (first, *others), by, parents, signature)


def review(
    who: str | Account | None, state: ReviewState, *, on: str | None = "head", at: int = 0, number: int | None = None
) -> Review:
    """A review ``at`` so many minutes after noon."""
    author = account(who) if isinstance(who, str) else who
    label = author.login if author else "ghost"
    known = number if number is not None else zlib.crc32(f"{label}{state}{on}{at}".encode()) % 10_000
    return Review(known, author, state, oid(on) if on else None, NOON + timedelta(minutes=at))


def approved(who: str | Account | None, *, on: str | None = "head", at: int = 0) -> Review:
    return review(who, ReviewState.APPROVED, on=on, at=at)


def asked_for_changes(who: str | Account, *, on: str = "head", at: int = 0) -> Review:
    return review(who, ReviewState.CHANGES_REQUESTED, on=on, at=at)


def commented(who: str | Account, *, at: int = 0) -> Review:
    return review(who, ReviewState.COMMENTED, at=at)


def dismissed(who: str | Account, *, at: int = 0) -> Review:
    return review(who, ReviewState.DISMISSED, at=at)


def pushed(by: str | Account | None, mark: str = "head") -> Push:
    return Push(oid(mark), account(by) if isinstance(by, str) else by)


def file(path: str, additions: int = 3, deletions: int = 1) -> ChangedFile:
    return ChangedFile(path, FileChange.MODIFIED, additions, deletions)


def pull_request(
    *,
    author: str | Account | None = "ana",
    commits: Sequence[Commit] | None = None,
    reviews: Sequence[Review] = (),
    pushes: Sequence[Push] | None = None,
    can: Mapping[str, Permission] | None = None,
    teams: Mapping[str, Sequence[str]] | None = None,
    files: Sequence[ChangedFile] = (),
    draft: bool = False,
    state: PullRequestState = PullRequestState.OPEN,
    mergeability: Mergeability = Mergeability.MERGEABLE,
    incomplete: Sequence[FactsIncomplete] = (),
    number: int = 7,
    repository: Repository = REPOSITORY,
    base: str = "main",
) -> PullRequestFacts:
    """A pull request of ``author`` with one commit that they pushed; every human reviewer can write unless ``can`` says."""
    opener = account(author) if isinstance(author, str) else author
    logins = {each.author.login for each in reviews if each.author and each.author.kind is AccountKind.USER}
    member_of = teams or {}
    standings = [
        Standing(account(login), (can or {}).get(login, Permission.WRITE), tuple(member_of.get(login, ())))
        for login in sorted({*logins, *member_of, *(can or {})})
    ]
    return PullRequestFacts(
        repository=repository,
        number=number,
        title="Settle twice a day",
        body="",
        state=state,
        draft=draft,
        author=opener,
        created_at=NOON - timedelta(days=1),
        base=Branch(base, oid("base"), repository.id),
        head=Branch("settle", oid("head"), repository.id),
        mergeability=mergeability,
        additions=3,
        deletions=1,
        commits=tuple(commits) if commits is not None else (commit(),),
        reviews=tuple(reviews),
        files=tuple(files),
        pushes=tuple(pushes) if pushes is not None else (pushed("ana"),),
        standings=tuple(standings),
        incomplete=tuple(incomplete),
    )


def demand(count: int, *groups: str) -> Approvals:
    return Approvals(count, groups)


def policy(
    *demands: Approvals,
    tier: str = "low",
    mode: Mode = Mode.ENFORCE,
    roles: Mapping[str, Sequence[str]] | None = None,
    people: Iterable[Sequence[str]] = (),
    in_inventory: bool = True,
    problems: Sequence[Problem] = (),
    undecidable: bool = False,
) -> Policy:
    """A policy that makes the same demands of every tier (one approval of a writer when none is named)."""
    rules = TierRules(demands or (demand(1, "write"),))
    pair = Separation(frozenset({Role.CONTRIBUTOR, Role.APPROVER}))
    return Policy(
        mode=mode,
        tiers=dict.fromkeys(Tier, rules),
        roles={"security": SECURITY} if roles is None else {role: tuple(holders) for role, holders in roles.items()},
        people=tuple(tuple(person) for person in people),
        applications=(Application("payments", (REPOSITORY.name,), Tier[tier.upper()]),) if in_inventory else (),
        separation=(pair,),
        problems=tuple(problems),
        undecidable=undecidable,
    )


def demands_nothing() -> Policy:
    """A policy that nobody can write in a file: it demands no approval."""
    return replace(policy(), tiers=dict.fromkeys(Tier, TierRules(())))


def decided(facts: PullRequestFacts, rules: Policy | None = None) -> Decision:
    return decide(facts, rules or policy(), NOON)


def finding(decision: Decision, name: str) -> Finding | None:
    """The finding of that name, None where there is none."""
    return next((each for each in decision.findings if each.id == name), None)


def found(decision: Decision, name: str) -> Finding:
    """The finding of that name, which must be there."""
    there = finding(decision, name)
    assert there is not None, f"no finding {name} among {[each.id for each in decision.findings]}"
    return there


def review_of(decision: Decision, login: str) -> CountedReview:
    """What became of the only review of that account."""
    [only] = [each for each in decision.reviews if each.account is not None and each.account.login == login]
    return only


def counts(decision: Decision, login: str) -> bool:
    return review_of(decision, login).counts_for is not None


def why(decision: Decision, login: str) -> str:
    return review_of(decision, login).reason
