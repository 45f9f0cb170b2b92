"""What must hold for something to happen to a change: each guard answers why not, or None. Pure."""

from collections.abc import Callable
from dataclasses import replace

from bot.changes import cab, closing, effects, emergency, planning, verification
from bot.changes.cab import Count, Outcome
from bot.changes.context import Context
from bot.changes.fill import is_in_force
from bot.changes.model import Act, Change, Choice, Contents, Event, Refused, State, Vote
from bot.changes.needs import summed_up
from bot.changes.plans import gives_reason, says_something
from bot.deployments.windows import hours
from bot.facts.model import Account
from bot.facts.people import People, is_human
from bot.policy.model import ChangeType, OnTimeout
from bot.words import dated, listed, quoted

Guard = Callable[[Change, Event, Context], Refused | None]


def by_countersign(_change: Change, event: Event, _context: Context) -> Refused | None:
    """Nobody does by hand what follows from the record."""
    if event.who is None:
        return None
    return Refused(f"`{event.act.value}` follows from what is on record; nobody does it by hand.")


def says_why(_change: Change, event: Event, _context: Context) -> Refused | None:
    """It takes a reason."""
    return None if gives_reason(event.why) else Refused("A reason is needed.", "Say why, in a sentence.")


def altered(change: Change, event: Event, _context: Context) -> Refused | None:
    """There is something new to say; no revision turns a change into an emergency or back."""
    if event.contents is None or event.contents == change.contents:
        return Refused("The record says this already.")
    if (event.contents.kind is ChangeType.EMERGENCY) != (change.emergency is not None):
        return Refused("A change becomes an emergency by being declared one, and stays one.")
    return None


def materially(change: Change, event: Event, context: Context) -> Refused | None:
    """What differs is something that was authorised."""
    assert event.contents is not None
    return None if material(change, event.contents, context) else Refused("Nothing differs that was authorised.")


def immaterially(change: Change, event: Event, context: Context) -> Refused | None:
    """What differs is nothing that was authorised."""
    assert event.contents is not None
    told = material(change, event.contents, context)
    return Refused(told, "The record goes back to be assessed again.") if told else None


def declares(change: Change, event: Event, context: Context) -> Refused | None:
    """Somebody may declare an emergency, says why, and names the incident; once."""
    if change.emergency is not None:
        return Refused(f"{change.number} is an emergency already.")
    pulls = sorted({*change.contents.pulls, *(part.number for part in context.parts)})
    if len(pulls) > 1:
        return Refused(
            f"{change.number} ships {listed([f'#{each}' for each in pulls])}, and an emergency ships alone.",
            "`/change unlink` takes a pull request out of it.",
        )
    return emergency.may_declare(event.who, event.why, event.incident, context.standings, context.policy)


def not_frozen(change: Change, event: Event, context: Context) -> Refused | None:
    """No freeze holds that does not except emergencies, where the change is one, or becomes one."""
    urgent = event.act is Act.DECLARE or change.contents.kind is ChangeType.EMERGENCY
    return emergency.frozen_out(context.policy, context.now) if urgent else None


def asks(change: Change, event: Event, _context: Context) -> Refused | None:
    """A board is asked by a person; where none decides, Countersign goes on by itself."""
    if event.who is None:
        by_itself = not change.contents.routing.has_board and change.state is State.DRAFT
        return None if by_itself else Refused("A person asks the board.", "Ask with `/request-cab`.")
    return None if is_human(event.who) else Refused("A program cannot ask for a change to be authorised.")


def complete(change: Change, _event: Event, context: Context) -> Refused | None:
    """The record has everything that the policy demands of its tier."""
    found = summed_up(change.contents, context.policy, context.parts)
    if found is None:
        return None
    what, remedy = found
    return Refused(f"{change.number} is not complete. {what}", remedy)


def board_can_decide(change: Change, event: Event, context: Context) -> Refused | None:
    """Whether the board would approve if everybody on it did: else nobody need be asked."""
    asked = effects.submit(change, event, context)
    if not asked.contents.routing.has_board:
        return None
    assert asked.request is not None
    votes = tuple(
        Vote(each, Choice.APPROVE, "", context.now, asked.contents.diff, asked.round) for each in asked.request.members
    )
    counted = cab.count(replace(asked, votes=votes), context.standings, context.policy)
    if counted.outcome is Outcome.APPROVED:
        return None
    roles = listed(list(asked.contents.routing.voting))
    lack = f" Nobody could sign for {listed(list(counted.unsigned))}." if counted.unsigned else ""
    return Refused(
        f"The board cannot decide: of {roles}, {counted.approvals} could vote, "
        f"and {asked.contents.routing.quorum} must approve.{lack}",
        "The owners of the policy put more people into these roles; whoever contributed or asked has no vote.",
    )


def asked(change: Change, _event: Event, _context: Context) -> Refused | None:
    """The board that the policy names now was asked by a person."""
    routed = change.contents.routing
    if not routed.has_board:
        return None
    if change.request is None and change.round:
        return Refused("Its board was asked about another state of the change.", "Ask it again with `/request-cab`.")
    if change.request is None or change.request.by is None or change.request.roles != routed.roles:
        return Refused("The board that decides now has not been asked.", "Ask it with `/request-cab`.")
    return None


def clear(change: Change, _event: Event, context: Context) -> Refused | None:
    """No finding blocks, and no emergency of the application or repository is owed its review."""
    if context.blocking:
        return Refused(
            f"{change.number} waits for: {listed(list(context.blocking))}.", "The check says what each of them needs."
        )
    if context.overdue:
        told = emergency.finding(context.overdue)
        assert told is not None
        return Refused(f"{told.what} {told.why}", told.remedy)
    return None


def has_a_vote(change: Change, event: Event, context: Context) -> Refused | None:
    """The vote is that of a member who may vote, in time, and says why unless it approves."""
    if event.who is None or event.choice in {None, Choice.WITHDRAW}:
        return Refused("A vote is a person's, and says approve, reject or defer.")
    if change.deadline is not None and (event.said_at or context.now) >= change.deadline:
        later = unheard(change, context)
        decided = later.remedy if later is not None else "It is decided now."
        return Refused(f"The time to vote was over at {dated(change.deadline)}.", decided)
    if said_too_early(change, event):
        assert change.called_at is not None
        return Refused(
            f"The vote of @{event.who.login} does not count: it was written before the board was called on "
            f"{dated(change.called_at)}, and heard after that.",
            "Whoever still thinks so of the change as it is now votes again.",
        )
    reason = cab.why_refused(event.who, event.choice, change, context.standings, context.policy)
    if reason:
        roles = [f"`{role}`" for role in change.contents.routing.roles]
        return Refused(
            f"The vote of @{event.who.login} does not count, since @{event.who.login} {reason}.",
            f"Whoever had {listed(roles, 'or')} when the board was asked, and no part in the change, votes."
            if roles
            else "",
        )
    if event.choice is not Choice.APPROVE and not gives_reason(event.why):
        assert event.choice is not None
        return Refused(f"To {event.choice.value} needs a reason.", "Say in a sentence what is in the way.")
    return None


def said_too_early(change: Change, event: Event) -> bool:
    """Whether it was said of something else than what the board is called about; of reviews, ``reviews`` says that.

    GitHub tells moments in whole seconds: in the second of the call, nobody can tell which came first.
    """
    if event.said_at is None or event.review is not None or change.called_at is None:
        return False
    return event.said_at < change.called_at.replace(microsecond=0)


def stands_by_review(change: Change, event: Event, context: Context) -> Refused | None:
    """The review gave a vote that is the last word of its voter; a withdrawal says why."""
    people = cab.people_of_change(change, context.standings, context.policy)
    if cab.given_by(change, event.review, people) is None:
        return Refused("No vote stands that this review gave.")
    return says_why(change, event, context)


def authorised(change: Change, _event: Event, context: Context) -> Refused | None:
    """Nothing is lacking that the policy demands."""
    found = lacking(change, context)
    return Refused(f"{change.number} is not authorised. Missing: {'; '.join(found)}.") if found else None


def in_time(change: Change, _event: Event, context: Context) -> Refused | None:
    """Whether the window that was planned can still be used, and the emergency's time is not up."""
    ends = emergency.lane_ends(change, context.policy)
    if ends is not None and context.now >= ends:
        return Refused(f"The time of the emergency was over at {dated(ends)}.", "Ask its board again.")
    window = change.contents.window if change.contents.kind is not ChangeType.EMERGENCY else None
    if change.contents.routing.has_board and window is not None and context.now >= window.end:
        return Refused(f"The window was over at {dated(window.end)}.", "Another one is planned.")
    return None


def late(change: Change, event: Event, context: Context) -> Refused | None:
    """The time that it was authorised for is over."""
    return Refused("It is still in time.") if in_time(change, event, context) is None else None


def still_authorised(change: Change, _event: Event, context: Context) -> Refused | None:
    """What was authorised is what would be done, and the policy demands no more than was given."""
    given, contents = change.authorisation, change.contents
    assert given is not None, "a scheduled change was authorised"
    if given.diff != contents.diff or given.routing != contents.routing or given.template != contents.template:
        return Refused("What was authorised is not what would be done now.", "It is assessed again.")
    # The board's decision stands, also when somebody has left it since; what reviewers gave can be taken back.
    return _not_any_more(change, _lacking_besides(change, context), context)


def held_up(change: Change, context: Context) -> Refused | None:
    """Why what is authorised may not be released all the same; its time, and what its own check says, left out."""
    alone = len(context.parts) < 2
    if not alone and (refused := clear(change, Event(Act.START), context)) is not None:
        return replace(refused, remedy="The check of each pull request says what it needs.")
    return _not_any_more(change, _lacking_besides(change, context, of_reviewers=not alone), context)


def _not_any_more(change: Change, lacking: list[str], context: Context) -> Refused | None:
    """That an authorisation does not hold any more: something is lacking, or who gave it has had a part in it since."""
    people = cab.people_of_change(change, context.standings, context.policy)
    given = change.authorisation
    parts = {each.login: cab.part_in(each, change, people) for each in (given.by if given is not None else ())}
    found = [*lacking, *(f"a vote of somebody else than @{who}, who {part}" for who, part in parts.items() if part)]
    if not found:
        return None
    return Refused(f"{change.number} is not authorised any more. Missing: {'; '.join(found)}.")


def window_open(change: Change, _event: Event, context: Context) -> Refused | None:
    """The calendar allows it now, for as long as it takes, and it is the time that it is planned for."""
    contents, policy = change.contents, context.policy
    found = hours(policy.calendar, contents.rules(policy).windows, contents.kind, context.now, context.lasting)
    if not found.open:
        next_ = f"The next time is {dated(found.until)}." if found.until else ""
        return Refused(" ".join(found.because), next_)
    within = planning.released_within(change, context)
    if within is not None and context.now not in within:
        return Refused(f"The change is planned for {within.spoken}.", "Wait for its window.")
    return None


def outcome_is(outcome: Outcome, timeout: OnTimeout | None) -> Guard:
    """A guard: the board decided so, or its time is up and the policy says so."""

    def guard(change: Change, event: Event, context: Context) -> Refused | None:
        counted = cab.count(change, context.standings, context.policy)
        if outcome is not Outcome.OPEN and counted.outcome is outcome:
            return None
        if event.final and outcome is Outcome.REJECTED and counted.rejections:
            # Where the record is kept, one who rejects is enough; it has to be somebody with a vote here.
            return None
        late = cab.on_timeout(change, counted.outcome, rejected=counted.rejections > 0, now=context.now)
        if event.final or late is None or late is not timeout:
            return Refused("The board has not decided so.")
        return unheard(change, context)

    return guard


def unheard(change: Change, context: Context) -> Refused | None:
    """Time decides when it is known what was said before, in comments and where the record's twin is kept."""
    until, written = change.deadline, context.unheard_since
    if until is None:
        return None
    over = f"Its time was over at {dated(until)}, and"
    if written is not None and written < until:
        what = f"{over} a comment that was written before is still to be heard."
        return Refused(what, "It is decided when that has been heard.")
    if context.heard_until is None or context.heard_until >= until:
        return None
    where = context.policy.records.system.spoken
    what = f"{over} what was said in {where} until then is not known yet."
    return Refused(what, f"It is decided when {where} has been read.")


def to_be_reviewed(change: Change, _event: Event, _context: Context) -> Refused | None:
    """It was released."""
    if change.review_due is not None:
        return None
    return Refused(f"{change.number} is cancelled, and was released as no emergency: there is nothing to review.")


def may_review(change: Change, event: Event, context: Context) -> Refused | None:
    """Somebody reviews an emergency who could have decided about it and had no part in it; once."""
    if change.contents.kind is not ChangeType.EMERGENCY:
        return Refused("Only an emergency is reviewed afterwards by the board.")
    if change.retrospective is not None:
        return Refused(f"@{change.retrospective.by.login} reviewed {change.number} already.")
    if event.who is None or not is_human(event.who):
        return Refused("A person reviews an emergency.")
    roles = cab.reviewing(change.contents.under(context.policy), change.contents.tier)
    # Who may look at it afterwards is not bound to who was on the board when the emergency was declared.
    asked = replace(
        change,
        contents=replace(change.contents, routing=replace(change.contents.routing, roles=roles)),
        request=cab.asking(None, context.now, roles, context.standings, context.policy),
        escalation=None,
    )
    people = cab.people_of_change(change, context.standings, context.policy, (event.who, *change.released_by))
    reason = _kept_from_reviewing(event.who, asked, context, people)
    if not reason:
        return None
    named = listed([f"`{role}`" for role in roles], "or")
    left = any(not _kept_from_reviewing(each.account, asked, context, people) for each in context.standings)
    return Refused(
        f"@{event.who.login} cannot review {change.number}: @{event.who.login} {reason}.",
        f"Somebody with {named} who had no part in it can."
        if left
        else f"Nobody with {named} is left who had no part in it: the owners of the policy put somebody into one of "
        "these roles, who can.",
    )


def _kept_from_reviewing(who: Account, asked: Change, context: Context, people: People) -> str:
    """Why somebody does not review an emergency that all are asked to review now; empty when they may."""
    reason = cab.objection(who, asked, context.standings, context.policy, people)
    if reason:
        return reason
    if _decided(asked, who, people):
        return "decided about it"
    releasing = {people.person(each) for each in asked.released_by}
    return "released it without authorisation" if asked.is_unauthorised and people.person(who) in releasing else ""


def _decided(change: Change, who: Account, people: People) -> bool:
    """Whether somebody authorised the change, or voted on it."""
    voters = (*(change.authorisation.by if change.authorisation else ()), *(vote.by for vote in change.votes))
    return people.person(who) in {people.person(each) for each in voters}


def review_overdue(change: Change, _event: Event, context: Context) -> Refused | None:
    """The emergency should have been reviewed by now, and nobody was reminded of that yet."""
    if emergency.is_overdue(change, context.now) and not change.reminded:
        return None
    return Refused(f"Nobody is to be reminded of a review of {change.number}.")


def verification_overdue(change: Change, _event: Event, context: Context) -> Refused | None:
    """Somebody should have confirmed the release by now, and nobody was reminded of that yet."""
    at = verification.reminds_at(change, context)
    if at is not None and context.now >= at and not change.verifiers_reminded:
        return None
    return Refused(f"Nobody is to be reminded of a verification of {change.number}.")


def said_enough(_change: Change, event: Event, _context: Context) -> Refused | None:
    """A review says something."""
    return None if says_something(event.why) else Refused("A review says what was found.", "Say it in a sentence.")


def may_cancel(change: Change, event: Event, context: Context) -> Refused | None:
    """Whoever contributed, asked or decides can cancel; what is cancelled where the record is kept is so here, too."""
    if event.who is None or event.final:
        return None
    people = cab.people_of_change(change, context.standings, context.policy, (event.who,))
    person = people.person(event.who)
    board = cab.deciding(change, context.standings, context.policy)
    if any(person == people.person(each) for each in (*change.contents.contributors, *change.requesters, *board)):
        return None
    roles = [f"`{role}`" for role in change.contents.routing.roles]
    decides = f", or has {listed(roles, 'or')}," if roles else ""
    return Refused(
        f"@{event.who.login} cannot cancel {change.number}.", f"Whoever contributed or asked for it{decides} can."
    )


def lacking(change: Change, context: Context) -> tuple[str, ...]:
    """What the policy demands and nobody has given yet, in words; empty when the change may be authorised."""
    found = _lacking_besides(change, context)
    if change.contents.routing.has_board:
        counted = cab.count(change, context.standings, context.policy)
        missing = ", ".join(of_board(counted, change.contents)) or "which it has given: it rejects"
        found += [] if counted.outcome is Outcome.APPROVED else [f"the decision of the board ({missing})"]
    if change.contents.kind is ChangeType.EMERGENCY:
        # Its few hours begin when it is authorised: not before it may be released.
        holding = emergency.holding(context.policy, context.now)
        found += [
            f"the end of the freeze {quoted(each.name)}, which does not except emergencies" for each, _ in holding
        ]
    return tuple(found)


def _lacking_besides(change: Change, context: Context, *, of_reviewers: bool = True) -> list[str]:
    """What is demanded besides the decision of a board; of reviewers, too, unless somebody else says that."""
    contents, policy = change.contents, context.policy
    found = []
    if of_reviewers:
        short = [each for each in context.demands if each.given < each.needed]
        found += [f"{each.needed - each.given} more from {each.label}" for each in short]
        found += [] if context.demands else ["an approval: the policy demands none, and an empty rule is no pass"]
    found += closing.of_two_parts(change, context)
    if contents.kind is ChangeType.STANDARD and not is_in_force(contents.template, policy, context.now):
        found.append("the template of the standard change, which is not in force")
    if contents.routing.has_board and contents.window is None and contents.kind is not ChangeType.EMERGENCY:
        found.append("a window to be released in, which the calendar does not have")
    if cab.routing(contents.under(policy), contents.tier, contents.kind) != contents.routing:
        found.append("another look, since the policy demands something else now")
    return found


def of_board(counted: Count, contents: Contents) -> list[str]:
    """What of a board is missing for it to approve; nothing when it has decided otherwise."""
    needed = max(0, contents.routing.quorum - counted.approvals)
    parts = [f"{needed} more to approve"] if needed else []
    parts += [f"a signature for {role}" for role in counted.unsigned]
    return parts + [f"that @{each.login} takes a rejection back" for each in counted.against]


def material(change: Change, contents: Contents, context: Context) -> str:
    """What differs so that an authorisation does not hold for it, as a reason; empty when nothing does."""
    before = change.contents
    differing = {
        "the diff": before.diff != contents.diff,
        "the type": before.kind is not contents.kind,
        "the risk tier": (before.tier, before.raised_from) != (contents.tier, contents.raised_from),
        "what the policy demands": before.routing != contents.routing,
        "the template": before.template != contents.template,
        "the plans": (before.plans, before.justification) != (contents.plans, contents.justification),
        "the repository": before.repository != contents.repository,
        "the base branch": before.base != contents.base,
        "what is affected": (before.application, before.configuration_item, before.pulls)
        != (contents.application, contents.configuration_item, contents.pulls),
        "the window that was authorised": contents.routing.has_board and _reschedules(change, contents),
        "who contributed, and voted": _voters_contribute(change, contents, context),
    }
    found = [name for name, differs in differing.items() if differs]
    return f"Different now: {listed(found)}." if found else ""


def _reschedules(change: Change, contents: Contents) -> bool:
    """Whether it is planned for another time than what was authorised, or by somebody: votes outlive what time does.

    An emergency is authorised at once, and for a few hours from then on.
    """
    if contents.kind is ChangeType.EMERGENCY:
        return False
    chosen = contents.scheduled or change.authorisation is not None
    return chosen and change.contents.window != contents.window


def _voters_contribute(change: Change, contents: Contents, context: Context) -> bool:
    """Whether somebody on whose vote the authorisation rests is a contributor now."""
    voters = change.authorisation.by if change.authorisation else ()
    people = cab.people_of_change(change, context.standings, context.policy, (*voters, *contents.contributors))
    contributing = {people.person(each) for each in contents.contributors}
    return any(people.person(each) in contributing for each in voters)
