"""The whole bot on one screen: a look gathers facts, decides, puts the decision on record, and publishes it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bot.changes import gather, parts, sync
from bot.changes.desk import Desk, merged
from bot.clock import Clock
from bot.commands.act import Reception, commands_in, is_weighty
from bot.decide.controls.shared_head import passes_alone
from bot.decide.evaluate import decide, own_mode
from bot.decide.merge_group import decide_group
from bot.decide.verdict import Decision
from bot.errors import Transient
from bot.facts import habits
from bot.facts.load import Gathered, Gathering
from bot.facts.model import PullRequestFacts, PullRequestState, Sibling
from bot.facts.pull_request import Place
from bot.github.client import GitHub, InstallationClient
from bot.github.lanes import Lane
from bot.ingest.events import Where
from bot.ingest.statements import Pending, pending, watch
from bot.ingest.subjects import branch_subject, pull_subject
from bot.ledger import Entry, Kind, append
from bot.ledger.decisions import Made, Receipt, record
from bot.policy.load import REPOSITORY_FILE
from bot.policy.model import Mode, Problem
from bot.publish.apply import Overtaken, Publisher, forget, give_way
from bot.publish.effects import CHECK
from bot.publish.preview import NAME as PREVIEW
from bot.publish.preview import render_preview
from bot.publish.render import Record, render
from bot.queue import Look, Next, Urgency, Wish, still_mine, want
from bot.store import Store
from bot.telemetry import Metrics

PATIENT_LOOKS = 5
"""How often a group that GitHub does not show yet is looked for before its check fails."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Handlers for the subjects that are decided about. Time and ids come from outside."""

    store: Store
    github: GitHub
    gathering: Gathering
    metrics: Metrics
    clock: Clock
    new_id: Callable[[], UUID]
    web_url: str

    async def pull_request(self, look: Look) -> Next:
        """Look at a pull request."""
        place, github, lane = _place(look), self._installation(look), Lane(look.urgency)
        reception = Reception(self.store, github, self.clock, place.owner, place.name, place.number, lane)
        asked = await self._asked(look)
        for request in asked:
            await reception.acknowledge(request)
        gathered = await self.gathering.pull_request(github, place, lane)
        if gathered is None:
            return Next(over=True)
        now = self.clock()
        laid = await self._laid_down(look, gathered, asked, now)
        facts, desk = await self._record_of(look, gathered, laid.facts, asked, now)
        decision = decide(facts, gathered.policy, now)
        if facts.state is PullRequestState.OPEN:
            receipt = await self._record(look, Made(look.subject.key, facts, gathered.policy, decision, now), asked)
            await self._watch_base(look, place, gathered)
            await self._tell_siblings(look, place, gathered, decision)
            await self._publish(look, place, decision, receipt, gathered)
            await self._preview(look, place, gathered)
        for request in asked:
            teams = gathered.policy.teams if is_weighty(request) else ()
            standing = await self.gathering.standing_of(github, facts.repository, request.actor, teams, lane)
            change = await gather.situation(
                self.store,
                look.subject.key,
                facts,
                gathered.policy,
                desk,
                laid.asked,
                now,
                texts=[request.text],
                diff=laid.diff,
            )
            await reception.settle(request, standing, decision, change)
            if len(asked) > 1:
                # What was done for one is what the next one finds.
                laid = await self._laid_down(look, gathered, asked, now)
                facts, desk = await self._record_of(look, gathered, laid.facts, asked, now)
        if facts.state is not PullRequestState.OPEN:
            if facts.state is PullRequestState.MERGED:
                await merged(self.store, look.subject.key, facts, gathered.policy, decision, now)
            await self._give_way(look, place, gathered)
            return Next(over=True)
        await self._sync(look, desk, gathered)
        concerns = gathered.concerns | ({parts.concern(desk.change.number)} if desk and desk.change else set())
        return Next(at=_sooner(decision.next_at, desk.wakes_at if desk else None), concerns=concerns)

    async def _laid_down(self, look: Look, gathered: Gathered, asked: list[Pending], now: datetime) -> gather.Laid:
        """What people laid down for the change, and what was waived."""
        return await gather.laid_down(
            self.store,
            self._installation(look),
            look.subject.key,
            gathered.facts,
            now,
            base_tip=gathered.base_tip,
            commands=bool(asked),
            lane=Lane(look.urgency),
        )

    async def _sync(self, look: Look, desk: Desk | None, gathered: Gathered) -> None:
        """Have the record's twin in another system brought up to date."""
        if desk is None or desk.change is None:
            return
        async with self.store.transaction() as connection:
            await sync.wish(connection, desk.change, gathered.policy, look.subject.installation_id)

    async def _record_of(
        self, look: Look, gathered: Gathered, facts: PullRequestFacts, asked: list[Pending], now: datetime
    ) -> tuple[PullRequestFacts, Desk | None]:
        """The facts with what the change record says; a pull request that is not open has no say in it any more."""
        github, lane, policy = self._installation(look), Lane(look.urgency), gathered.policy
        decision = decide(facts, policy, now)
        if facts.state is not PullRequestState.OPEN:
            if not asked:
                return facts, None
            subject = look.subject.key
            return facts, await gather.at_rest(self.store, github, subject, facts, policy, decision, lane=lane, now=now)
        return await gather.record(
            self.store,
            github,
            look.subject.key,
            facts,
            policy,
            decision,
            base_tip=gathered.base_tip,
            commands=[name for request in asked for name in commands_in(request)],
            lane=lane,
            now=now,
        )

    async def _watch_base(self, look: Look, place: Place, gathered: Gathered) -> None:
        """See to it that whatever lands on the base branch is looked at from now on."""
        where = Where(look.subject.installation_id, place.repository_id, place.owner, place.name)
        branch = branch_subject(where, gathered.facts.base.name)
        async with self.store.transaction() as connection:
            if await watch(connection, {branch.key: (gathered.base_tip, self.clock())}):
                await want(connection, [Wish(branch, Urgency.TIMER)])

    async def _give_way(self, look: Look, place: Place, gathered: Gathered) -> None:
        """Have those publish again whose check run stands behind that of a pull request that is not open any more."""
        where = Where(look.subject.installation_id, place.repository_id, place.owner, place.name)
        others = [pull_subject(where, sibling.number) for sibling in gathered.facts.siblings]
        if not others:
            return
        keys = [subject.key for subject in others]
        async with self.store.transaction() as connection:
            if await give_way(connection, look.subject.key, gathered.facts.head.oid, keys):
                await want(connection, [Wish(subject, look.urgency) for subject in others])

    async def _tell_siblings(self, look: Look, place: Place, gathered: Gathered, decision: Decision) -> None:
        """Have those looked at again that share the check run and know something else of this pull request."""
        mine = Sibling(place.number, passes_alone(decision), own_mode(gathered.facts, gathered.policy) is Mode.ENFORCE)
        outdated = [number for number, view in gathered.views.items() if view != mine]
        if not outdated:
            return
        where = Where(look.subject.installation_id, place.repository_id, place.owner, place.name)
        async with self.store.transaction() as connection:
            await want(connection, [Wish(pull_subject(where, number), look.urgency) for number in outdated])

    async def merge_group(self, look: Look) -> Next:
        """Look at a group of the merge queue."""
        about = look.subject.about
        if about.get("dropped") or "base" not in about:
            return Next(over=True)
        place, github, lane = _place(look), self._installation(look), Lane(look.urgency)
        asked = await self._asked(look)
        gathered = await self.gathering.merge_group(github, place, about["base"], about["head"], lane)
        if not gathered.facts.members and look.attempt < PATIENT_LOOKS:
            # A webhook can be faster than GitHub's own picture of the queue.
            raise Transient(f"GitHub to show the group {about['head'][:7]} of the merge queue")
        now = self.clock()
        decision = decide_group(gathered.facts, gathered.policy, now)
        receipt = await self._record(
            look, Made(look.subject.key, gathered.facts, gathered.policy, decision, now), asked
        )
        await self._publish(look, place, decision, receipt, None)
        return Next(at=decision.next_at, concerns=gathered.concerns, over=not gathered.facts.members)

    async def _asked(self, look: Look) -> list[Pending]:
        async with self.store.transaction() as connection:
            return await pending(connection, look.subject.key)

    async def _record(self, look: Look, made: Made, asked: list[Pending]) -> Receipt:
        """Put the decision on record, with its entry in the ledger, unless it says what the last one said."""
        async with self.store.transaction() as connection:
            if not await still_mine(connection, look):
                raise Overtaken("a newer look at the same subject")
            receipt = await record(connection, made, new_id=self.new_id())
            if any(request.comment_id is None for request in asked):
                await forget(connection, made.subject, made.decision.head)
            if receipt.new:
                self.metrics.decisions.labels(made.decision.verdict.value).inc()
                if isinstance(made.facts, PullRequestFacts):
                    await habits.note(connection, made.subject, made.facts, made.decision)
                await append(connection, [_entry(look, made.decision, receipt)], at=made.at)
        return receipt

    async def _publish(
        self, look: Look, place: Place, decision: Decision, receipt: Receipt, gathered: Gathered | None
    ) -> None:
        head = decision.head
        content = render(
            decision,
            Record(str(receipt.id), receipt.decided_at, receipt.policy),
            external_id=f"{look.subject.key}@{head}",
            details_url=f"{self.web_url}/{place.owner}/{place.name}/commit/{head}/checks",
            problems=_own_problems(gathered, place) if gathered else (),
        )
        await self._publisher(look, place, CHECK).publish(content)

    async def _preview(self, look: Look, place: Place, gathered: Gathered) -> None:
        """Show what a change of a policy file would mean, on a check run of its own for each file."""
        for draft in gathered.drafts:
            head, path = gathered.facts.head.oid, draft.change.path
            content = render_preview(
                path,
                head,
                external_id=f"{look.subject.key}#{path}@{head}",
                details_url=f"{self.web_url}/{place.owner}/{place.name}/pull/{place.number}/files",
                problems=draft.problems,
                preview=draft.preview,
                refused=draft.change.refused,
            )
            name = PREVIEW if path == REPOSITORY_FILE else f"{PREVIEW} (organisation)"
            await self._publisher(look, place, name).publish(content)

    def _publisher(self, look: Look, place: Place, check: str) -> Publisher:
        github, lane = self._installation(look), Lane(look.urgency)
        return Publisher(self.store, github, self.metrics, self.clock, look, place.owner, place.name, lane, check)

    def _installation(self, look: Look) -> InstallationClient:
        return self.github.installation(look.subject.installation_id)


def _sooner(first: datetime | None, second: datetime | None) -> datetime | None:
    return min((each for each in (first, second) if each is not None), default=None)


def _place(look: Look) -> Place:
    about = look.subject.about
    return Place(about["owner"], about["name"], int(about.get("number", 0)), int(about["repository_id"]))


def _entry(look: Look, decision: Decision, receipt: Receipt) -> Entry:
    body = {
        "decision": str(receipt.id),
        "head": decision.head,
        "verdict": decision.verdict.value,
        "mode": decision.mode.value,
        "tier": decision.tier.label,
        "facts": receipt.facts,
        "policy": receipt.policy,
    }
    return Entry(Kind.DECISION_MADE, look.subject.key, body)


def _own_problems(gathered: Gathered, place: Place) -> tuple[Problem, ...]:
    """What is wrong in the policy file of this repository; annotations can point at no other repository's files."""
    own = f"{place.owner}/{place.name}:".lower()
    return tuple(problem for problem in gathered.policy.problems if problem.origin.startswith(own))
