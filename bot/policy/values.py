"""What a policy file says, as values: each part by itself. Pure."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from bot.policy.model import (
    Application,
    Approvals,
    Cab,
    CarryOver,
    ChangeType,
    Checks,
    Emergency,
    Evidence,
    Freeze,
    Infrastructure,
    Mode,
    OnTimeout,
    Plan,
    Rate,
    Records,
    Reviews,
    RiskRule,
    Rule,
    System,
    Tier,
    TierRules,
    Verification,
    Waivers,
)
from bot.policy.schema import (
    ApplicationPart,
    ApprovalsPart,
    ChecksPart,
    EmergencyPart,
    EvidencePart,
    FreezePart,
    PolicyFile,
    RecordsPart,
    ReviewsPart,
    TierPart,
    WaiversPart,
)
from bot.policy.tightening import T


def tiers(content: PolicyFile) -> Iterator[tuple[Tier, TierPart]]:
    """The tiers that a file speaks of."""
    for tier in Tier:
        part: TierPart | None = getattr(content.tiers, tier.label)
        if part is not None:
            yield tier, part


def rules(part: TierPart, upper: TierRules) -> TierRules:
    """What the organisation says of a tier; only its approvals are taken from above when it says nothing of them."""
    return TierRules(
        approvals=demands(part.approvals) if part.approvals is not None else upper.approvals,
        change=ChangeType(part.change) if part.change else ChangeType.NORMAL,
        sign_off=union(part.sign_off),
        cab=cab(part),
        plans=_plans(part),
        windows=(tuple(part.windows),) if part.windows else (),
        deployments=_rates(part),
        cool_down=part.cool_down or timedelta(),
        verification=verification(part),
        pairing=part.pairing,
    )


def cab(part: TierPart) -> Cab | None:
    """The board of a tier."""
    board = part.cab
    if board is None:
        return None
    return Cab(board.quorum, board.timeout, OnTimeout(board.on_timeout), board.reviews, union(board.escalate_to))


def verification(part: TierPart) -> Verification | None:
    """Who confirms a change of a tier, and by when."""
    asked = part.verification
    return Verification(union(asked.groups), asked.within) if asked else None


def _plans(part: TierPart) -> tuple[Plan, ...]:
    return tuple(plan for plan in Plan if plan.value in part.plans)


def _rates(part: TierPart) -> tuple[Rate, ...]:
    return (Rate(part.deployments.at_most, part.deployments.per),) if part.deployments else ()


def demands(parts: Iterable[ApprovalsPart]) -> tuple[Approvals, ...]:
    """Approvals that are demanded, each of its own people."""
    return tuple(Approvals(each.count, tuple(dict.fromkeys(each.groups))) for each in parts)


def holders(holders: list[str]) -> tuple[str, ...]:
    """The holders of a role, each once."""
    return tuple(sorted(set(holders)))


def reviews(part: ReviewsPart, upper: Reviews) -> Reviews:
    """When an approval counts; what is not said is as above."""
    return Reviews(
        carry_over=CarryOver(part.carry_over) if part.carry_over else upper.carry_over,
        member_for=upper.member_for if part.member_for is None else part.member_for,
        quick=upper.quick if part.quick is None else part.quick,
        large=upper.large if part.large is None else part.large,
        pair=upper.pair if part.pair is None else part.pair,
    )


def application(part: ApplicationPart) -> Application:
    """An entry of the inventory."""
    return Application(
        name=part.name,
        repositories=tuple(part.repositories),
        tier=Tier[part.tier.upper()],
        properties=tuple(sorted(part.properties.items())),
        data=union(part.data),
        configuration_item=part.configuration_item,
        environments=tuple((kind, tuple(names)) for kind, names in part.environments.items()),
        mode=Mode(part.mode) if part.mode else None,
    )


def raising(content: PolicyFile) -> tuple[RiskRule, ...]:
    """The rules that raise the risk."""
    return tuple(RiskRule(each.id, Tier[each.to.upper()], each.when) for each in content.risk.raise_)


def own_rules(content: PolicyFile) -> tuple[Rule, ...]:
    """The organisation's own rules."""
    return tuple(Rule(each.id, each.when, each.require, each.message, tuple(each.controls)) for each in content.rules)


def checks(part: ChecksPart) -> Checks:
    """What is looked for in changed files."""
    infrastructure, workflows = part.infrastructure, part.workflows
    return Checks(
        secrets_config=part.secrets.config,
        infrastructure=Infrastructure(
            infrastructure.retention_days,
            infrastructure.encryption,
            infrastructure.access_logging,
            union(infrastructure.tags),
        ),
        dependencies_denied=union(part.dependencies.deny),
        licences_denied=union(part.dependencies.licences.deny),
        actions_pinned=workflows.pin is not None,
        actions_allowed=None if workflows.allow is None else union(workflows.allow),
        signed=frozenset(Tier[tier.upper()] for tier in part.signatures.required),
    )


def evidence(part: EvidencePart) -> Evidence:
    """A report that is needed."""
    return Evidence(
        kind=part.kind,
        tool=part.tool,
        name=part.name,
        require=part.require,
        at_most=tuple(sorted((name, float(most)) for name, most in part.at_most.items())),
        suppressions=part.suppressions,
        rules=part.rules,
        stage=part.stage,
        not_older_than=part.not_older_than,
    )


def freeze(part: FreezePart) -> Freeze:
    """When nothing may be released."""
    return Freeze(
        name=part.name,
        rrule=part.rrule or "",
        duration=part.duration or timedelta(),
        first=part.first,
        last=part.last,
        excepted=tuple(ChangeType(each) for each in dict.fromkeys(part.excepted)),
    )


def emergency(part: EmergencyPart) -> Emergency:
    """How an emergency is handled."""
    approvals = demands(part.approvals or ())
    return Emergency(union(part.groups), part.ecab.quorum, part.review_within, part.lasts, approvals=approvals)


def waivers(part: WaiversPart) -> Waivers:
    """Who lets a finding pass."""
    return Waivers(union(part.groups), part.at_most)


def records(part: RecordsPart) -> Records:
    """Where change records are kept."""
    return Records(
        System(part.system),
        tuple(sorted(part.fields.items())),
        tuple(sorted(part.extra.items())),
        tuple((name, tuple(sorted(values.items()))) for name, values in sorted(part.values.items())),
        tuple(sorted((there.lower(), login) for there, login in part.people.items())),
        part.carry_votes,
    )


def union(*parts: Iterable[T]) -> tuple[T, ...]:
    """Everything in any of the parts, each once, in their order."""
    return tuple(dict.fromkeys(each for part in parts for each in part))
