"""A story in which every operation of the API is asked and every webhook sent, by a client that is not ours.

The client is githubkit, whose models are generated from GitHub's own description: it signs the App's JWT, fetches the
installation's token and reads the answers.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Literal

from githubkit import AppAuthStrategy, GitHub, Response
from githubkit.cache import MemCacheStrategy

from bot.sandbox import SimulatedGitHub
from bot.sandbox.accounts import Account
from bot.sandbox.deployments import WorkflowRun, deploy, environment
from bot.sandbox.http import Exchange
from bot.sandbox.organisations import Organisation, Team
from bot.sandbox.pulls import PullRequest
from bot.sandbox.repositories import Repository
from bot.sandbox.webhooks import SENT

SECRET = "a secret of the contract"
PERMISSIONS = {
    "administration": "read",
    "checks": "write",
    "contents": "write",
    "deployments": "write",
    "issues": "write",
    "members": "read",
    "merge_queues": "read",
    "metadata": "read",
    "organization_custom_properties": "read",
    "pull_requests": "write",
    "statuses": "write",
}
HEARD = tuple(sorted({event for event, _ in SENT if not event.startswith("installation")}))
CLOUD_ONLY = frozenset(
    {
        ("merge_group", "checks_requested"),
        ("merge_group", "destroyed"),
        ("pull_request", "dequeued"),
        ("pull_request", "enqueued"),
    }
)
"""What a server of one's own never sends: it has no merge queue."""

Version = Literal["2022-11-28", "2026-03-10"]
TOP: Version = "2022-11-28"
NEXT: Version = "2026-03-10"
"""GitHub's versions of the API: the one that Countersign asks for, and the one after it."""


@dataclass(frozen=True, slots=True)
class Read:
    """An answer that was read: the exchange that it belongs to, and what githubkit made of it."""

    exchange: Exchange
    model: Any


@dataclass(slots=True)
class Record:
    """What was said: every exchange, what was read of it, and every webhook with its name."""

    exchanges: list[Exchange] = field(default_factory=list)
    read: list[Read] = field(default_factory=list)
    webhooks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def events(self) -> set[tuple[str, str | None]]:
        """Event and action of every webhook."""
        return {(event, payload.get("action")) for event, payload in self.webhooks}


async def told(*, ghes: bool = False, version: Version = TOP) -> Record:
    """Tell the story on a fresh GitHub, and hand over what was said."""
    record = Record()
    async with SimulatedGitHub.start(webhook_secret=SECRET, ghes=ghes, permissions=PERMISSIONS, events=HEARD) as github:
        github.watchers.append(record.exchanges.append)
        github.webhooks.observers.append(lambda event, payload: record.webhooks.append((event, payload)))
        house = House.found(github)
        house.people_work()
        await github.settle()
        app = GitHub(
            AppAuthStrategy(github.app_id, github.private_key_pem),
            base_url=f"{github.api_url}/",
            cache_strategy=MemCacheStrategy(),
            http_cache=False,
            auto_retry=False,
        )
        async with app, app.with_auth(app.auth.as_installation(house.organisation.installation_id)) as robot:
            await Asking(record, version, app, robot, house).everything(ghes=ghes)
        house.end()
        await github.settle()
        assert not github.unknown_routes
    return record


@dataclass(frozen=True, slots=True)
class House:
    """An organisation with a bit of everything."""

    github: SimulatedGitHub
    organisation: Organisation
    ann: Account
    ben: Account
    team: Team
    repository: Repository
    queued: Repository
    pull: PullRequest
    merged: PullRequest
    from_fork: PullRequest
    waiting: WorkflowRun

    @classmethod
    def found(cls, github: SimulatedGitHub) -> "House":
        house = github.organisation("house")
        ann, ben = (house.person(name) for name in ("ann", "ben"))
        team = house.team("Reviewers", members=[ben])
        house.team("Night shift", parent=team, members=[ann])
        files = {"README.md": "# Shop\n", "src/shop.py": "OPEN = True\n"}
        repository = house.repository("shop", files=files, access={ann: "write", team: "triage"})
        queued = house.repository("queued", private=False, merge_queue=True, access={ann: "maintain", ben: "write"})
        merged = repository.open_pull_request(by=ann, title="Tidy", files={"src/shop.py": "OPEN = 1\n"})
        merged.merge(by=ann, method="squash")
        change: dict[str, str | None] = {"src/shop.py": "OPEN = False\n", "src/new.py": "x = 1\n", "README.md": None}
        change["docs/about.md"] = files["README.md"]
        pull = repository.open_pull_request(by=ann, title="Close", body="For good.", files=change, co_authors=[ben])
        stranger = github.stranger("stranger", email="stranger@example.com")
        from_fork = repository.open_pull_request(
            by=stranger, title="Hello", files={"hello.txt": "hello\n"}, from_fork=stranger, email="nobody@example.com"
        )
        run = deploy(environment(repository, "production"), by=ann, branch="main")
        return cls(github, house, ann, ben, team, repository, queued, pull, merged, from_fork, run)

    def people_work(self) -> None:
        """Do everything that a webhook tells of."""
        ann, ben, pull, shop = self.ann, self.ben, self.pull, self.repository
        pull.push(by=None, author=ann, files={"src/new.py": "x = 2\n"})
        pull.push(by=ann, files={"src/new.py": "x = 3\n"}, force=True)
        shop.push("main", by=ben, files={"docs/hours.md": "Nine to five.\n"})
        pull.update_branch(by=ben)
        pull.edit(by=ann, title="Close the shop", body="For good, today.")
        pull.label(ann, "urgent")
        pull.label(ann, "soon")
        pull.unlabel(ann, "soon")
        pull.assign(ben, by=ann)
        pull.request_review(ben, by=ann)
        pull.mark_draft(by=ann)
        pull.ready(by=ann)
        pull.close(by=ann)
        pull.reopen(by=ann)
        shop.branch("release", start="main", by=ann)
        pull.retarget(by=ann, base="release")
        pull.retarget(by=ann, base="main")
        shop.delete_branch("release", by=ann)
        pull.assign(ben, by=ann)
        comment = pull.comment(by=ben, body="Why?")
        comment.edit(by=ann, body="Why not?")
        pull.comment(by=ann, body="Never mind.").delete(by=ann)
        comment.react(by=ann, content="+1")
        review = pull.review(by=ben, state="APPROVED", body="Good.")
        review.edit(by=ben, body="Very good.")
        review.dismiss(by=ann, message="Too soon.")
        pull.review(by=ben, state="COMMENTED")
        self._membership_changes()
        self._rules_change()
        self._others_report()
        if self.queued.merge_queue is not None:
            self._queue()

    def _membership_changes(self) -> None:
        shop, house = self.repository, self.organisation
        guest = house.person("guest", role="admin")
        self.team.add(guest)
        shop.grant(guest, "read")
        shop.grant(guest, "admin", by=self.ann)
        shop.revoke(guest)
        house.expel(guest)
        brief = house.team("Brief")
        shop.grant(brief, "maintain")
        shop.revoke(brief)
        brief.delete()
        attic = house.repository("attic", files={"old.txt": "old\n"})
        attic.rename("loft")
        attic.archive()

    def _rules_change(self) -> None:
        shop, ann = self.repository, self.ann
        ruleset = shop.ruleset("main", by=ann, checks=["control"])
        ruleset.enforce("evaluate", by=ann)
        ruleset.enforce("active", by=ann)
        ruleset.release(by=ann)
        ruleset.delete(by=ann)
        protection = shop.protect("main", by=ann, checks=["control", "build"])
        shop.switch_protection(on=False, by=ann)
        shop.switch_protection(on=True, by=ann)
        protection.release(by=ann)
        protection.delete(by=ann)
        shop.tag("v1", self.merged.base_sha, by=ann)
        shop.tag("v1", shop.branches["main"], by=ann)
        shop.tag("v2", shop.branches["main"], by=ann, annotated=True)
        shop.properties |= {"tier": "1", "regulations": ["dora", "sox"], "owner": None}
        shop.describe(tier="2", regulations=["dora"], owner=None, by=ann)

    def _others_report(self) -> None:
        shop, pull = self.repository, self.pull
        other = self.github.world.other_app("builder")
        for conclusion in ("failure", "success"):
            shop.report_as(other, "control", pull.head_sha, conclusion=conclusion)
        shop.set_status(pull.head_sha, {"state": "success", "context": "lint"}, by=self.ann)

    def _queue(self) -> None:
        first, second, third = (
            self.queued.open_pull_request(by=self.ann, title=name, files={f"{name}.txt": "1\n"})
            for name in ("first", "second", "third")
        )
        group, other = first.enqueue(by=self.ann), second.enqueue(by=self.ben)
        third.enqueue(by=self.ann)
        other.destroy(by=self.ann)
        group.merge()

    def end(self) -> None:
        """Suspend the App, let it go on, and take it away."""
        self.organisation.suspend()
        self.organisation.unsuspend()
        self.organisation.uninstall()


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks every operation, the App's own as the App and the others as its installation."""

    record: Record
    version: Version
    app: GitHub[Any]
    robot: GitHub[Any]
    house: House

    @property
    def rest(self) -> Any:
        """The operations, asked as the installation."""
        return self.robot.rest(self.version)

    @property
    def rest_as_app(self) -> Any:
        """The operations, asked as the App."""
        return self.app.rest(self.version)

    async def read(self, asked: Awaitable[Response[Any, Any]]) -> Any:
        """Have an answer read by the model of its operation."""
        response = await asked
        exchange = self.record.exchanges[-1]
        model = response.parsed_data if response.content else None
        self.record.read.append(Read(exchange, model))
        return model

    async def everything(self, *, ghes: bool) -> None:
        """Ask all there is; a server without limits has nothing to say of them."""
        await self.the_app()
        await self.checks_and_statuses()
        await self.comments()
        await self.files_and_commits()
        await self.people()
        await self.pull_requests()
        await self.deployments()
        if not ghes:
            await self.read(self.rest.rate_limit.async_get())

    async def the_app(self) -> None:
        apps, house = self.rest_as_app.apps, self.house
        number = house.organisation.installation_id
        await self.read(apps.async_get_authenticated())
        await self.read(apps.async_list_installations())
        await self.read(apps.async_get_installation(number))
        await self.read(apps.async_create_installation_access_token(number))
        await self.read(
            apps.async_create_installation_access_token(
                number, data={"repositories": ["shop"], "permissions": {"checks": "write"}}
            )
        )
        await self.read(apps.async_get_repo_installation("house", "shop"))
        log = await self.read(apps.async_list_webhook_deliveries(per_page=5, status="failure"))
        await self.read(apps.async_list_webhook_deliveries(per_page=100))
        await self.read(apps.async_get_webhook_delivery(log[0].id))
        await self.read(apps.async_redeliver_webhook_delivery(log[0].id))
        await self.read(self.rest.apps.async_list_repos_accessible_to_installation())

    async def checks_and_statuses(self) -> None:
        rest, head = self.rest, self.house.pull.head_sha
        where = ("house", "shop")
        annotation: Any = {
            "path": "src/shop.py",
            "start_line": 1,
            "end_line": 1,
            "annotation_level": "warning",
            "message": "Closed.",
        }
        button = {"label": "Look again", "description": "Look again now.", "identifier": "recheck"}
        begun = await self.read(rest.checks.async_create(*where, name="control", head_sha=head, status="in_progress"))
        await self.read(
            rest.checks.async_update(
                *where,
                begun.id,
                status="completed",
                conclusion="action_required",
                external_id="1",
                details_url="https://example.com/1",
                output={"title": "Waits", "summary": "For two.", "text": "All.", "annotations": [annotation]},
                actions=[button],
            )
        )
        await self.read(rest.checks.async_get(*where, begun.id))
        await self.read(rest.checks.async_list_annotations(*where, begun.id))
        await self.read(rest.checks.async_rerequest_run(*where, begun.id))
        await self.read(rest.checks.async_list_for_ref(*where, head, filter_="all"))
        await self.read(rest.checks.async_get(*where, self.house.repository.foreign_runs[0].id))
        fork = self.house.from_fork.head_sha
        await self.read(rest.checks.async_create(*where, name="control", head_sha=fork, conclusion="success"))
        self.house.repository.check_runs[0].press("recheck", by=self.house.ben)
        await self.read(rest.repos.async_create_commit_status(*where, head, state="pending", context="ci"))
        await self.read(
            rest.repos.async_create_commit_status(
                *where, head, state="success", description="done", target_url="https://example.com/2"
            )
        )
        await self.read(rest.repos.async_list_commit_statuses_for_ref(*where, head))
        await self.read(rest.repos.async_get_combined_status_for_ref(*where, head))

    async def comments(self) -> None:
        rest, number = self.rest, self.house.pull.number
        where = ("house", "shop")
        said = await self.read(rest.issues.async_create_comment(*where, number, body="Two approvals are missing."))
        await self.read(rest.issues.async_list_comments(*where, number))
        await self.read(rest.issues.async_get_comment(*where, said.id))
        await self.read(rest.issues.async_update_comment(*where, said.id, body="One approval is missing."))
        for _ in range(2):
            await self.read(rest.reactions.async_create_for_issue_comment(*where, said.id, content="eyes"))
        await self.read(rest.reactions.async_list_for_issue_comment(*where, said.id))
        await self.read(rest.issues.async_delete_comment(*where, said.id))
        await self.read(rest.issues.async_add_labels(*where, number, labels=["urgent", "reviewed"]))

    async def files_and_commits(self) -> None:
        rest, house = self.rest, self.house
        where = ("house", "shop")
        file = await self.read(rest.repos.async_get_content(*where, "src/shop.py"))
        await self.read(rest.repos.async_get_content(*where, "", ref="main"))
        await self.read(rest.git.async_get_blob(*where, file.sha))
        await self.read(rest.repos.async_get(*where))
        await self.read(rest.repos.async_list_activities(*where))
        await self.read(rest.repos.async_get_commit(*where, house.merged.merge_commit_sha or ""))
        await self.read(rest.repos.async_get_commit(*where, house.from_fork.head_sha))
        await self.read(rest.repos.async_get_commit(*where, "tags/v2"))
        whole = f"main...{house.pull.head_sha}"
        await self.read(rest.repos.async_compare_commits(*where, whole))
        await self.read(rest.repos.async_compare_commits(*where, whole, per_page=1))
        await self.read(rest.repos.async_compare_commits(*where, whole, per_page=1, page=2))
        for basehead in ("main...main", "main...v1", f"main...{house.merged.base_sha}"):
            await self.read(rest.repos.async_compare_commits(*where, basehead))
        await self.read(rest.repos.async_custom_properties_for_repos_get_repository_values(*where))
        commit = house.merged.merge_commit_sha or ""
        await self.read(rest.repos.async_list_pull_requests_associated_with_commit(*where, commit))

    async def people(self) -> None:
        rest = self.rest
        for login in ("ann", "stranger"):
            await self.read(rest.repos.async_get_collaborator_permission_level("house", "shop", login))
        for repository in ("shop", "queued"):
            await self.read(rest.repos.async_list_collaborators("house", repository))
        for login in ("ann", "house", "countersign[bot]"):
            await self.read(rest.users.async_get_by_username(login))
        await self.read(rest.teams.async_list("house"))
        await self.read(rest.teams.async_get_by_name("house", "night-shift"))
        await self.read(rest.teams.async_list_members_in_org("house", "reviewers"))

    async def pull_requests(self) -> None:
        pulls, house = self.rest.pulls, self.house
        where = ("house", "shop")
        await self.read(pulls.async_list(*where, state="all"))
        for pull in (house.pull, house.merged, house.from_fork):
            await self.read(pulls.async_get(*where, pull.number))
        number = house.pull.number
        await self.read(pulls.async_create_review(*where, number, event="COMMENT", body="I look."))
        await self.read(pulls.async_list_reviews(*where, number))
        await self.read(pulls.async_list_commits(*where, number))
        await self.read(pulls.async_list_files(*where, number))
        await self.read(pulls.async_merge(*where, number, sha=house.pull.head_sha, merge_method="merge"))
        await self.read(pulls.async_check_if_merged(*where, number))

    async def deployments(self) -> None:
        actions, run = self.rest.actions, self.house.waiting.id
        where = ("house", "shop", run)
        await self.read(
            actions.async_review_custom_gates_for_run(
                *where, data={"environment_name": "production", "comment": "The window opens at nine."}
            )
        )
        await self.read(
            actions.async_review_custom_gates_for_run(
                *where, data={"environment_name": "production", "state": "approved", "comment": "Open."}
            )
        )
