"""The whole bot on one screen: a look gathers facts, decides, puts the decision on record, and publishes it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from bot.changes import gather, parts, sync
from bot.changes.announce import announce
from bot.changes.desk import Desk
from bot.clock import Clock
from bot.commands.act import Reception, commands_of, is_weighty, opens_record
from bot.decide.controls.shared_head import passes_alone
from bot.decide.evaluate import decide, own_mode
from bot.decide.merge_group import decide_group
from bot.decide.verdict import Decision
from bot.errors import Transient
from bot.facts import habits
from bot.facts.load import Gathered, GatheredGroup, Gathering
from bot.facts.model import MergeGroupFacts, PullRequestFacts, PullRequestState, Sibling, Standing
from bot.facts.pull_request import Place
from bot.github.client import GitHub, InstallationClient
from bot.github.lanes import Lane
from bot.ingest.events import Where
from bot.ingest.statements import Pending, pending, watch
from bot.ingest.subjects import branch_subject, pull_key, pull_subject
from bot.ledger import Entry, Kind, append
from bot.ledger.decisions import Made, Receipt, concern, record
from bot.policy.load import REPOSITORY_FILE
from bot.policy.model import Mode, Problem
from bot.publish.apply import Overtaken, Publisher, forget, give_way
from bot.publish.conversation import Conversation
from bot.publish.effects import CHECK
from bot.publish.preview import NAME as PREVIEW
from bot.publish.preview import render_preview
from bot.publish.render import Record, render
from bot.queue import Look, Next, Urgency, Wish, still_mine, want
from bot.store import Store
from bot.telemetry import Metrics
from bot.trial import gains

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
        now, is_open = self.clock(), gathered.facts.state is PullRequestState.OPEN
        if not is_open:
            # Whatever somebody says of it comes after its end, and before what time does.
            await self._record_of(look, gathered, None, now, waiting=bool(asked))
        for request in asked:
            await self._serve(look, gathered, reception, request, now)
        facts, desk, _ = await self._record_of(look, gathered, None, now)
        decision = decide(facts, gathered.policy, now)
        if not is_open:
            await self._announce(look, place)
            await self._give_way(look, place, gathered)
            await self._sync(look, desk, gathered)
            return _after_the_end(desk)
        receipt = await self._record(look, Made(look.subject.key, facts, gathered.policy, decision, now), asked)
        await self._watch_base(look, place, gathered)
        await self._tell_siblings(look, place, gathered, decision)
        await self._publish(look, place, decision, receipt, gathered)
        await self._preview(look, place, gathered)
        if desk is not None:
            await self._announce(look, place)
        await self._sync(look, desk, gathered)
        concerns = gathered.concerns | gather.concerns(facts, gathered.policy, desk)
        return Next(at=_sooner(decision.next_at, desk.wakes_at if desk else None), concerns=concerns)

    async def _announce(self, look: Look, place: Place) -> None:
        """Tell those who have to act on the change record."""
        github, lane = self._installation(look), Lane(look.urgency)
        conversation = Conversation(self.store, github, place.owner, place.name, place.number, lane)
        await announce(self.store, conversation, look.subject.key, self.clock)

    async def _sync(self, look: Look, desk: Desk | None, gathered: Gathered) -> None:
        """Have the record's twin in another system brought up to date."""
        if desk is None or desk.change is None:
            return
        async with self.store.transaction() as connection:
            await sync.wish(connection, desk.change, gathered.policy, look.subject.installation_id)

    async def _serve(
        self, look: Look, gathered: Gathered, reception: Reception, request: Pending, now: datetime
    ) -> None:
        """Act on the commands of a request, each on what the one before has left.

        They are acted on as of when they reached us, however late that is: time goes on after that. What is said in
        them counts as of when it was written.
        """
        github, lane = self._installation(look), Lane(look.urgency)
        teams = gathered.policy.teams if is_weighty(request) else ()
        giver = await self.gathering.standing_of(github, gathered.facts.repository, request.actor, teams, lane)
        on_the_page, at = await reception.is_on_the_page(request), min(now, request.asked_at)
        for place in range(request.done, len(commands_of(request))):
            facts, desk, laid = await self._record_of(look, gathered, (request, giver), at)
            decision = decide(facts, gathered.policy, at)
            change = await gather.situation(
                self.store, look.subject.key, facts, gathered.policy, desk, laid, at, texts=[request.text]
            )
            await reception.do(request, place, giver, decision, change, on_the_page=on_the_page)
        await reception.settle(request)

    async def _record_of(
        self,
        look: Look,
        gathered: Gathered,
        asking: tuple[Pending, Standing] | None,
        now: datetime,
        *,
        waiting: bool = False,
    ) -> tuple[PullRequestFacts, Desk | None, gather.Laid]:
        """The facts with what people laid down and what the change record says, and what was laid down.

        A pull request that is not open has no say in its record any more, but by its end. ``waiting``: somebody has
        said something since that is still to be heard.
        """
        github, lane, policy, key = self._installation(look), Lane(look.urgency), gathered.policy, look.subject.key
        laid = await gather.laid_down(
            self.store,
            github,
            key,
            gathered.facts,
            now,
            base_tip=gathered.base_tip,
            commands=asking is not None,
            lane=lane,
        )
        decision = decide(laid.facts, policy, now)
        if laid.facts.state is not PullRequestState.OPEN:
            desk = await gather.ended(
                self.store,
                github,
                key,
                laid.facts,
                policy,
                decision,
                asked=asking is not None,
                waiting=waiting,
                lane=lane,
                now=now,
            )
            return laid.facts, desk, laid
        facts, found = await gather.record(
            self.store,
            github,
            key,
            laid.facts,
            policy,
            decision,
            base_tip=gathered.base_tip,
            asked=asking is not None and opens_record(*asking),
            lane=lane,
            now=now,
        )
        return facts, found, laid

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
        facts = await self._said_of(look, gathered, now)
        decision = decide_group(facts, gathered.policy, now)
        receipt = await self._record(look, Made(look.subject.key, facts, gathered.policy, decision, now), asked)
        await self._publish(look, place, decision, receipt, None)
        keys = [pull_key(facts.repository.id, each.number) for each in facts.members]
        concerns = gathered.concerns | {concern(key) for key in keys}
        return Next(at=decision.next_at, concerns=concerns, over=not facts.members)

    async def _said_of(self, look: Look, gathered: GatheredGroup, now: datetime) -> MergeGroupFacts:
        """The facts of a group with what people laid down for its members, what was waived, and what records say.

        Raises:
            Transient: a member is still to be looked at.

        """
        github, lane, members = self._installation(look), Lane(look.urgency), []
        for facts in gathered.facts.members:
            key = pull_key(facts.repository.id, facts.number)
            laid = await gather.laid_down(
                self.store, github, key, facts, now, base_tip=gathered.base_tip, commands=False, lane=lane
            )
            member = await gather.recorded(self.store, key, laid.facts)
            if member is None and not gathered.facts.incomplete:
                raise Transient(f"the look at #{facts.number}")
            members.append(member or laid.facts)
        return replace(gathered.facts, members=tuple(members))

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
                    stirred = dict.fromkeys(_gaining(made.decision), Urgency.TIMER)
                    await want(connection, [], concerns={**stirred, concern(made.subject): look.urgency})
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


def _after_the_end(desk: Desk | None) -> Next:
    """What a look at a pull request that is not open leaves behind: its record can go on without it.

    So does what is over and still owes somebody a review.
    """
    if desk is None or desk.change is None or (desk.change.state.over and desk.wakes_at is None):
        return Next(over=True)
    return Next(at=desk.wakes_at, concerns=frozenset({parts.concern(desk.change.number)}))


def _sooner(first: datetime | None, second: datetime | None) -> datetime | None:
    return min((each for each in (first, second) if each is not None), default=None)


def _place(look: Look) -> Place:
    about = look.subject.about
    return Place(about["owner"], about["name"], int(about.get("number", 0)), int(about["repository_id"]))


def _gaining(decision: Decision) -> list[str]:
    """What a decision about somebody's change may mean for a change of the policy that they approved."""
    contributors = [each.accounts for each in decision.people if each.role == "contributor"]
    return sorted({gains.concern(account.id) for accounts in contributors for account in accounts})


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
