"""How each field of the schema is answered from the state of the simulated organisation."""

import re
from collections.abc import Callable
from typing import Any

from graphql import GraphQLAbstractType, GraphQLResolveInfo

from bot.sandbox.access import may_push
from bot.sandbox.accounts import WEB_FLOW, Account, node_id
from bot.sandbox.checks import CheckRun, Status
from bot.sandbox.git import Identity, blob_id
from bot.sandbox.graphql.nodes import Blob, CommitIn, Folder, TagIn, Tip, View, commit_in, entry
from bot.sandbox.graphql.pages import Problem, page
from bot.sandbox.merge_queue import MergeGroup, MergeQueue
from bot.sandbox.organisations import Organisation, Team
from bot.sandbox.pulls import PullRequest, Turn
from bot.sandbox.repositories import Repository
from bot.sandbox.talk import Comment, Review

MOST_FILES = 3_000
"""Files of a pull request that GitHub lists."""

LARGEST_BLOB = 512_000

Arguments = dict[str, Any]
Resolver = Callable[[Any, View, GraphQLResolveInfo[Any], Arguments], Any]
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """The value of a field: by its resolver, or the attribute or item of the same name."""
    resolver = FIELDS.get(f"{info.parent_type.name}.{info.field_name}")
    if resolver is not None:
        return resolver(source, info.context, info, arguments)
    name = _CAMEL.sub("_", info.field_name).lower()
    value = source[name] if isinstance(source, dict) else getattr(source, name)
    # Whoever has deleted their account is nobody.
    return None if isinstance(value, Account) and value in info.context.world.gone else value


_TYPES = {
    Organisation: "Organization",
    CommitIn: "Commit",
    TagIn: "Tag",
    Blob: "Blob",
    Folder: "Tree",
    Comment: "IssueComment",
    CheckRun: "CheckRun",
    Status: "StatusContext",
}


def type_of(value: Any, _info: GraphQLResolveInfo[Any], _type: GraphQLAbstractType) -> str:
    """The type of a value where the schema says only an interface."""
    match value:
        case Account(kind=kind):
            return kind
        case Turn(event=event):
            return event
        case _:
            return _TYPES.get(type(value), "GpgSignature")


def _repository(_source: None, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> Repository:
    owner, name = arguments["owner"], arguments["name"]
    found = view.world.repository(owner, name)
    if found is None or found not in view.repositories:
        raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return found


def _organisation(_source: None, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> Organisation:
    organisation = view.organisation
    if organisation.login.lower() != arguments["login"].lower():
        raise Problem("NOT_FOUND", f"Could not resolve to an Organization with the login of '{arguments['login']}'.")
    return organisation


def _owner(_source: None, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> Organisation | None:
    organisation = view.organisation
    return organisation if organisation.login.lower() == arguments["login"].lower() else None


def _team(source: Organisation, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> Team | None:
    view.need("members")
    return source.teams.get(arguments["slug"].lower())


def _members(source: Team, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    teams = list(source.family())
    chosen = {"ALL": teams, "IMMEDIATE": teams[:1], "CHILD_TEAM": teams[1:]}[arguments["membership"]]
    return page(
        sorted({member for team in chosen for member in team.members}, key=lambda each: each.id), info, arguments
    )


def _child_teams(source: Team, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page(source.children if arguments["immediateOnly"] else list(source.family())[1:], info, arguments)


def _repositories(source: Organisation, view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    archived = arguments.get("isArchived")
    found = [each for each in view.repositories if archived is None or each.archived == archived]
    found.sort(key=lambda each: each.pushed_at or each.created_at, reverse=True)
    del source
    return page(found, info, arguments)


def _pull_request(source: Repository, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> PullRequest:
    view.need("pull_requests")
    found = source.pulls.get(arguments["number"])
    if found is None:
        raise Problem("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {arguments['number']}.")
    return found


def _pull_requests(source: Repository, view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    view.need("pull_requests")
    states = arguments.get("states") or ("OPEN", "CLOSED", "MERGED")
    found = [pull for pull in source.pulls.values() if state(pull) in states]
    found.sort(key=lambda pull: pull.updated_at, reverse=True)
    return page(found, info, arguments)


def _object(
    source: Repository, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments
) -> CommitIn | TagIn | Blob | Folder | None:
    view.need("contents")
    if expression := arguments.get("expression"):
        return _at(source, expression)
    oid = arguments["oid"]
    if oid in source.tag_objects:
        return TagIn(source, oid)
    if oid in source.history.commits:
        return CommitIn(source, source.history.commits[oid])
    for commit in reversed(source.history.commits.values()):
        for text in commit.files.values():
            if blob_id(text) == oid:
                return Blob(text)
    return None


def _at(source: Repository, expression: str) -> CommitIn | Blob | Folder | None:
    """What git calls ``commit:path``, or a commit."""
    rev, colon, path = expression.partition(":")
    commit = source.history.commits.get(source.branches.get(rev, rev))
    if commit is None or not colon:
        return None if commit is None else CommitIn(source, commit)
    if path in commit.files:
        return Blob(commit.files[path])
    folder = Folder(commit, path)
    return folder if folder.inside or not path else None


def _file(source: CommitIn, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> dict[str, Any] | None:
    view.need("contents")
    path = arguments["path"]
    there = path in source.commit.files or Folder(source.commit, path).inside
    return entry(source.commit, path) if there else None


def _queue(source: Repository, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> MergeQueue | None:
    view.need("merge_queues")
    queue = source.merge_queue
    return queue if queue is not None and queue.branch == arguments.get("branch", source.default_branch) else None


def _tip(repository: Repository, branch: str) -> Tip | None:
    oid = repository.branches.get(branch)
    return Tip(repository, branch, oid) if oid is not None else None


def _target(tip: Tip) -> CommitIn | TagIn:
    if tip.oid in tip.repository.tag_objects:
        return TagIn(tip.repository, tip.oid)
    return commit_in(tip.repository, tip.oid)


def _ref(source: Repository, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> Tip | None:
    view.need("contents")
    name = arguments["qualifiedName"]
    if name.startswith("refs/tags/"):
        tag = name.removeprefix("refs/tags/")
        return Tip(source, tag, source.tags[tag]) if tag in source.tags else None
    return _tip(source, name.removeprefix("refs/heads/"))


def _history(source: CommitIn, view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    """A commit and everything behind it, the newest first."""
    view.need("contents")
    found = source.repository.history.behind(source.commit.oid)
    return page([CommitIn(source.repository, commit) for commit in found], info, arguments)


def _node(_source: None, view: View, _info: GraphQLResolveInfo[Any], arguments: Arguments) -> Comment | None:
    for repository in view.repositories:
        for comment in repository.comments.values():
            if node_id("IssueComment", comment.id) == arguments["id"]:
                view.need("issues")
                return comment
    raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{arguments['id']}'")


def _timeline(source: PullRequest, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    wanted = arguments.get("itemTypes")
    return page([each for each in source.turns if wanted is None or each.item_type in wanted], info, arguments)


def _merge_commit(source: PullRequest, *_: Any) -> CommitIn | None:
    return commit_in(source.repository, source.merge_commit_sha) if source.merge_commit_sha is not None else None


def state(pull: PullRequest) -> str:
    """GraphQL's state of a pull request."""
    return "MERGED" if pull.merged else pull.state.upper()


def _mergeable(pull: PullRequest, *_: Any) -> str:
    if pull.state != "open":
        return "UNKNOWN"
    return "MERGEABLE" if pull.mergeable else "CONFLICTING"


def _commits(source: PullRequest, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page([{"commit": CommitIn(source.repository, commit)} for commit in source.commits], info, arguments)


def _reviews(source: PullRequest, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    states = arguments.get("states")
    return page([each for each in source.reviews if states is None or each.state in states], info, arguments)


def _files(source: PullRequest, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page(source.files[:MOST_FILES], info, arguments)


def _labels(source: PullRequest, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page([{"name": name} for name in source.labels], info, arguments)


def _associated(source: CommitIn, view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    """The merged pull request that brought it to the default branch; until then, all merged and open ones with it.

    https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit
    """
    view.need("pull_requests")
    repository, oid = source.repository, source.commit.oid
    carrying = [
        pull
        for pull in repository.pulls.values()
        if oid == pull.merge_commit_sha or any(oid == each.oid for each in pull.commits)
    ]
    merged = [pull for pull in carrying if pull.merged and pull.base_ref == repository.default_branch]
    elsewhere = [pull for pull in carrying if pull.merged or pull.state == "open"]
    return page(merged or elsewhere, info, arguments)


def _rollup(source: CommitIn, view: View, *_: Any) -> CommitIn | None:
    """What was reported about a commit; nothing where nobody has reported anything."""
    view.need("checks")
    view.need("statuses")
    return source if _reports(source) else None


def _reports(source: CommitIn) -> list[CheckRun | Status]:
    """The newest check run of each name that an App has, and the newest status of each context."""
    repository, oid = source.repository, source.commit.oid
    runs = [run for run in (*repository.check_runs, *repository.foreign_runs) if run.head_sha == oid]
    newest = {(run.name, run.suite.app.id): run for run in sorted(runs, key=lambda run: run.id)}
    latest = {status.context.lower(): status for status in repository.statuses.get(oid, [])}
    return [*newest.values(), *latest.values()]


def _contexts(source: CommitIn, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page(_reports(source), info, arguments)


def _authors(source: CommitIn, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page([source.commit.author, *source.commit.co_authors], info, arguments)


def _parents(source: CommitIn, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page([commit_in(source.repository, oid) for oid in source.commit.parents], info, arguments)


def _signature(source: CommitIn, *_: Any) -> dict[str, Any] | None:
    if not source.commit.by_github:
        return None
    return {"is_valid": True, "state": "VALID", "signer": WEB_FLOW, "was_signed_by_git_hub": True}


def _login(account: Account, _view: View, info: GraphQLResolveInfo[Any], _arguments: Arguments) -> str:
    """A bot is called by the name of its App here, and with a suffix where it stands as a user."""
    return account.login.removesuffix("[bot]") if info.parent_type.name == "Bot" else account.login


def _linked(identity: Identity, *_: Any) -> Account | None:
    return identity.account


def _entries(source: MergeQueue, _view: View, info: GraphQLResolveInfo[Any], arguments: Arguments) -> Any:
    return page(source.entries, info, arguments)


FIELDS: dict[str, Resolver] = {
    "Query.repository": _repository,
    "Query.organization": _organisation,
    "Query.repositoryOwner": _owner,
    "Query.node": _node,
    "IssueComment.createdViaEmail": lambda source, *_: source.by_email,
    "IssueComment.id": lambda source, *_: node_id("IssueComment", source.id),
    "AddedToMergeQueueEvent.enqueuer": lambda source, *_: source.actor,
    "AssignedEvent.createdAt": lambda source, *_: stamp(source.at),
    "BaseRefChangedEvent.createdAt": lambda source, *_: stamp(source.at),
    "ClosedEvent.createdAt": lambda source, *_: stamp(source.at),
    "ReadyForReviewEvent.createdAt": lambda source, *_: stamp(source.at),
    "ReopenedEvent.createdAt": lambda source, *_: stamp(source.at),
    "Organization.databaseId": lambda source, *_: source.id,
    "Organization.team": _team,
    "Organization.repositories": _repositories,
    "Team.combinedSlug": lambda source, *_: f"{source.organisation.login}/{source.slug}",
    "Team.members": _members,
    "Team.childTeams": _child_teams,
    "User.databaseId": lambda source, *_: source.id,
    "Bot.databaseId": lambda source, *_: source.id,
    "Bot.login": _login,
    "Repository.databaseId": lambda source, *_: source.id,
    "Repository.owner": lambda source, *_: source.organisation or source.owner,
    "Repository.defaultBranchRef": lambda source, *_: _tip(source, source.default_branch),
    "Repository.pullRequest": _pull_request,
    "Repository.pullRequests": _pull_requests,
    "Repository.object": _object,
    "Repository.mergeQueue": _queue,
    "Repository.ref": _ref,
    "Ref.target": lambda source, *_: _target(source),
    "Blob.oid": lambda source, *_: blob_id(source.text),
    "Blob.byteSize": lambda source, *_: len(source.text.encode()),
    "Blob.isBinary": lambda source, *_: "\0" in source.text,
    "Blob.isTruncated": lambda source, *_: len(source.text.encode()) > LARGEST_BLOB,
    "Blob.text": lambda source, *_: None if "\0" in source.text else source.text,
    "Commit.oid": lambda source, *_: source.commit.oid,
    "Commit.messageHeadline": lambda source, *_: source.commit.headline,
    "Commit.messageBody": lambda source, *_: source.commit.message.partition("\n")[2].strip(),
    "Commit.history": _history,
    "Commit.authors": _authors,
    "Commit.committer": lambda source, *_: source.commit.committer,
    "Commit.parents": _parents,
    "Commit.signature": _signature,
    "Commit.file": _file,
    "Commit.associatedPullRequests": _associated,
    "Commit.statusCheckRollup": _rollup,
    "StatusCheckRollup.contexts": _contexts,
    "CheckRun.conclusion": lambda source, *_: source.conclusion.upper() if source.conclusion else None,
    "CheckRun.completedAt": lambda source, *_: stamp(source.completed_at) if source.completed_at else None,
    "CheckRun.checkSuite": lambda source, *_: source.suite,
    "App.databaseId": lambda source, *_: source.id,
    "StatusContext.state": lambda source, *_: source.state.upper(),
    "StatusContext.createdAt": lambda source, *_: stamp(source.created_at),
    "GitActor.user": _linked,
    "PullRequest.state": lambda source, *_: state(source),
    "PullRequest.isDraft": lambda source, *_: source.draft,
    "PullRequest.createdAt": lambda source, *_: stamp(source.created_at),
    "PullRequest.updatedAt": lambda source, *_: stamp(source.updated_at),
    "PullRequest.mergedAt": lambda source, *_: stamp(source.merged_at) if source.merged else None,
    "PullRequest.mergeable": _mergeable,
    "PullRequest.changedFiles": lambda source, *_: len(source.files),
    "PullRequest.baseRefName": lambda source, *_: source.base_ref,
    "PullRequest.baseRefOid": lambda source, *_: source.base_sha,
    "PullRequest.baseRef": lambda source, *_: _tip(source.repository, source.base_ref),
    "PullRequest.headRefName": lambda source, *_: source.head_ref,
    "PullRequest.headRefOid": lambda source, *_: source.head_sha,
    "PullRequest.headRepository": lambda source, *_: source.head_repository,
    "PullRequest.mergeCommit": _merge_commit,
    "PullRequest.timelineItems": _timeline,
    "PullRequest.labels": _labels,
    "PullRequest.commits": _commits,
    "PullRequest.reviews": _reviews,
    "PullRequest.files": _files,
    "PullRequestReview.databaseId": lambda source, *_: source.id,
    "PullRequestReview.authorCanPushToRepository": lambda source, *_: may_push(source.pull.repository, source.author),
    "PullRequestReview.commit": lambda source, *_: commit_in(source.pull.repository, source.commit_oid),
    "PullRequestReview.submittedAt": lambda source, *_: stamp(source.submitted_at),
    "PullRequestReview.lastEditedAt": lambda source, *_: stamp(source.edits[-1].at) if source.edits else None,
    "PullRequestReview.editor": lambda source, *_: _editor(source),
    "PullRequestChangedFile.changeType": lambda source, *_: source.kind,
    "MergeQueue.entries": _entries,
    "MergeQueueEntry.headCommit": lambda source, *_: _of_group(source, source.head_sha),
    "MergeQueueEntry.baseCommit": lambda source, *_: _of_group(source, source.base_sha),
    "MergeQueueEntry.pullRequest": lambda source, *_: source.pull,
}


def _editor(review: Review) -> Account | None:
    return review.edits[-1].editor if review.edits else None


def _of_group(group: MergeGroup, oid: str) -> CommitIn:
    return commit_in(group.queue.repository, oid)


def stamp(at: Any) -> str:
    """A moment as GitHub writes it."""
    text: str = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text
