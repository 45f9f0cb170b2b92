"""What a policy file may say: one model for each key. Strict: what is not named here is an error.

The description of a key is what editors show and what the reference page says.
"""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

TierName = Literal["low", "medium", "high"]
ModeName = Literal["observe", "enforce"]
RoleName = Literal[
    "author", "contributor", "approver", "requester", "cab", "merger", "deployer", "verifier", "policy-owner"
]
ChangeTypeName = Literal["standard", "normal", "emergency"]
PlanName = Literal["implementation", "test", "backout", "impact"]

_ACCOUNT = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?"
_HOLDER = re.compile(rf"{_ACCOUNT}(?:/[A-Za-z0-9._-]{{1,100}})?", re.ASCII)
_LOGIN = re.compile(_ACCOUNT, re.ASCII)
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,49}", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z0-9._*?\[\]!-]{1,200}", re.ASCII)
_DURATION = re.compile(r"([1-9][0-9]{0,4}) (minute|hour|day|week)s?", re.ASCII)
MOST_APPROVALS = 20
"""That one demand can have."""

YEARS = range(1970, 2201)
"""Those of days and moments: there is room for time zones and durations on both sides."""

_YEAR = r"(?:19[7-9]\d|2[01]\d{2}|2200)"
_HOLIDAYS = re.compile(r"[A-Z]{2,5}(?:-[A-Z0-9]{1,3})?", re.ASCII)


def _holder(text: str) -> str:
    if not _HOLDER.fullmatch(text):
        raise ValueError("is neither a team (organisation/team) nor an account")
    return text.lower()


def _login(text: str) -> str:
    if not _LOGIN.fullmatch(text):
        raise ValueError("is not an account's name")
    return text.lower()


def _role(text: str) -> str:
    if not _ROLE.fullmatch(text):
        raise ValueError("is not a role's name: lower-case letters, digits and hyphens")
    return text


def _id(text: str) -> str:
    if not _ROLE.fullmatch(text):
        raise ValueError("is not an id: lower-case letters, digits and hyphens, beginning with a letter")
    return text


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError("is not a repository's name, or a pattern of one with * and ?")
    return text


def _version(value: object) -> object:
    """The value, where it is a whole number: to Python, ``true`` and ``1.0`` are ones as well."""
    if type(value) is int:
        return value
    raise PydanticCustomError("literal_error", "not a version", {"expected": "1"})


def _of_tier(value: object) -> object:
    """The value, unless it is the type of change that no tier has."""
    if value == "emergency":
        raise ValueError(
            "is what a person declares a change to be, for an incident and with a reason (`/emergency`); a tier is "
            "`standard` or `normal`"
        )
    return value


def _duration(value: object) -> timedelta:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is not a duration like `30 minutes`, `24 hours`, `3 days` or `2 weeks`")
    return timedelta(**{f"{found[2]}s": int(found[1])})


def _moment(value: object) -> date | datetime:
    text = value if isinstance(value, str) else ""
    try:
        found = date.fromisoformat(text) if len(text) == len("2027-01-24") else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a day like `2027-01-24`, or a moment like `2027-01-24T18:00`") from None
    if found.year not in YEARS:
        raise ValueError(f"is not in the years {YEARS[0]} to {YEARS[-1]}")
    return found


def _day(value: object) -> date:
    found = _moment(value)
    if isinstance(found, datetime):
        raise ValueError("is not a day like `2027-01-24`")  # noqa: TRY004 - pydantic tells ValueErrors
    return found


def _holidays(text: str) -> str:
    if not _HOLIDAYS.fullmatch(text):
        raise ValueError("is neither a country (`DE`, `GB-ENG`) nor a financial market (`XECB`)")
    return text


def _shown_as(pattern: re.Pattern[str] | str, *examples: str) -> WithJsonSchema:
    """What editors are told of a text: a pattern, which says nothing that the code does not demand, and examples."""
    text = pattern if isinstance(pattern, str) else pattern.pattern
    return WithJsonSchema(
        {"type": "string", "pattern": f"^(?:{text})$"} | ({"examples": list(examples)} if examples else {})
    )


Holder = Annotated[str, AfterValidator(_holder), _shown_as(_HOLDER, "acme/appsec", "jane-doe")]
Login = Annotated[str, AfterValidator(_login), _shown_as(_LOGIN, "jane-doe")]
RoleKey = Annotated[str, AfterValidator(_role), _shown_as(_ROLE, "risk-officer")]
Id = Annotated[str, AfterValidator(_id), _shown_as(_ROLE)]
Pattern = Annotated[str, AfterValidator(_pattern), _shown_as(_PATTERN, "payments-*")]
Duration = Annotated[timedelta, BeforeValidator(_duration), _shown_as(_DURATION, "30 minutes", "24 hours", "2 weeks")]
Moment = Annotated[
    date | datetime,
    BeforeValidator(_moment),
    _shown_as(rf"{_YEAR}-\d{{2}}-\d{{2}}(?:[T ].+)?", "2027-01-24", "2027-01-24T18:00"),
]
Day = Annotated[date, BeforeValidator(_day), _shown_as(rf"{_YEAR}-\d{{2}}-\d{{2}}", "2027-01-24")]
Holidays = Annotated[str, AfterValidator(_holidays), _shown_as(_HOLIDAYS, "DE", "GB-ENG", "XECB")]
TierType = Annotated[Literal["standard", "normal"], BeforeValidator(_of_tier)]
Expression = Annotated[str, Field(min_length=1, max_length=2000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Groups = Annotated[list[RoleKey], Field(min_length=1, max_length=20)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ApprovalsPart(_Part):
    """``count`` approvals by different people, from any of the groups ``from``."""

    count: int = Field(ge=1, le=MOST_APPROVALS, description="How many people must approve.")
    groups: Groups = Field(alias="from", description="write, maintain, admin, or a role of this policy.")


class CabPart(_Part):
    """The Change Advisory Board: it decides before the change may be released."""

    quorum: int = Field(ge=1, le=20, description="How many members must vote for it.")
    timeout: Duration = Field(default=timedelta(hours=24), description="How long the board has; 24 hours when missing.")
    on_timeout: Literal["reject", "extend", "escalate"] = Field(
        default="reject", description="What becomes of a request that was not decided in time; reject when missing."
    )
    reviews: bool = Field(
        default=False,
        description="A member's review of the pull request that approves it, or requests changes, is a vote as well.",
    )
    escalate_to: list[RoleKey] = Field(
        default_factory=list,
        max_length=20,
        description="Roles that decide with the board after `on_timeout: escalate`; when missing, the board is called "
        "once more.",
    )


class RatePart(_Part):
    """How often an application may be deployed."""

    at_most: int = Field(ge=1, le=1000, description="How many deployments.")
    per: Duration = Field(description="Within any stretch of time of this length.")


class VerificationPart(_Part):
    """Somebody confirms the change in production."""

    groups: Groups = Field(alias="from", description="Who may confirm it.")
    within: Duration = Field(description="How long after the deployment at the latest.")


class TierPart(_Part):
    """What a change of a tier needs."""

    change: TierType | None = Field(
        default=None,
        description="The type of change that it is unless somebody declares an emergency; normal when missing.",
    )
    approvals: list[ApprovalsPart] | None = Field(
        default=None, min_length=1, max_length=20, description="Reviews of the pull request; all of these are demanded."
    )
    sign_off: list[RoleKey] = Field(
        default_factory=list, max_length=20, description="Roles that sign, each by another person."
    )
    cab: CabPart | None = Field(default=None, description="The board that decides.")
    plans: list[PlanName] = Field(default_factory=list, max_length=4, description="Plans that the record must have.")
    windows: list[Id] = Field(
        default_factory=list, max_length=20, description="Windows of the calendar; one of them must be open."
    )
    deployments: RatePart | None = Field(default=None, description="How often it may be deployed.")
    cool_down: Duration | None = Field(default=None, description="How long nothing follows a deployment.")
    verification: VerificationPart | None = Field(default=None, description="Who confirms it in production.")
    pairing: bool = Field(default=False, description="Whoever deploys has somebody beside them.")


class TiersPart(_Part):
    """The three tiers; one that is missing is taken from the layer above."""

    low: TierPart | None = Field(default=None, description="Changes that can do little harm.")
    medium: TierPart | None = Field(default=None, description="Changes that customers could notice.")
    high: TierPart | None = Field(
        default=None, description="Changes that could harm the business; also what is unknown."
    )


class ReviewsPart(_Part):
    """When an approval counts, and which of them are reported as noteworthy."""

    carry_over: Literal["never", "same-diff"] | None = Field(
        default=None, description="Whether an approval of another commit with the same diff against the base counts."
    )
    member_for: Duration | None = Field(
        default=None, description="How long an approver must have been in the team that gives them the role."
    )
    quick: Duration | None = Field(
        default=None, description="An approval within so short a time of something to review is reported …"
    )
    large: int | None = Field(default=None, ge=1, description="… when there are more lines than this to review.")
    pair: int | None = Field(
        default=None, ge=2, description="So many approvals by one and the same person only are reported."
    )


class SeparationPart(_Part):
    """Two roles that one person must not hold in one change."""

    roles: list[RoleName] = Field(min_length=2, max_length=2, description="The two roles.")
    tiers: list[TierName] | None = Field(default=None, min_length=1, description="All tiers when missing.")


class ApplicationPart(_Part):
    """An application of the inventory."""

    name: str = Field(min_length=1, max_length=100, description="What people call it.")
    repositories: list[Pattern] = Field(
        default_factory=list, max_length=500, description="Names of repositories, or patterns with * and ?."
    )
    properties: dict[Word, Word] = Field(
        default_factory=dict,
        max_length=20,
        description="Custom properties and their values: repositories that have them all belong to it.",
    )
    tier: TierName = Field(description="How risky a change to it is at least.")
    data: list[Word] = Field(default_factory=list, max_length=50, description="Classes of data, like personal.")
    configuration_item: str = Field(default="", max_length=100, description="Its number in the CMDB.")
    environments: dict[Id, list[Word]] = Field(
        default_factory=dict, max_length=20, description="Kinds of environments, and the names or patterns of each."
    )
    mode: ModeName | None = Field(default=None, description="The policy's mode when missing.")


class RaisePart(_Part):
    """Raises a change's tier."""

    id: Id = Field(description="What it is called in the reasons.")
    to: TierName = Field(description="The tier that the change gets at least.")
    when: Expression = Field(description="A CEL expression: when it is true.")


class RiskPart(_Part):
    """What makes a change riskier than its application."""

    raise_: list[RaisePart] = Field(
        default_factory=list, alias="raise", max_length=100, description="Rules that raise the tier, never lower it."
    )


class WindowPart(_Part):
    """When something may be released."""

    rrule: Word = Field(description="When it opens: a recurrence rule of RFC 5545, in the calendar's time zone.")
    duration: Duration = Field(description="How long it stays open.")


class FreezePart(_Part):
    """When nothing may be released."""

    name: Word = Field(description="What people call it.")
    rrule: str | None = Field(default=None, min_length=1, max_length=200, description="When it begins, if it recurs.")
    duration: Duration | None = Field(default=None, description="How long it lasts, if it recurs.")
    first: Moment | None = Field(
        default=None, alias="from", description="Its first day or moment, if it does not recur."
    )
    last: Moment | None = Field(
        default=None, alias="to", description="Its last day or moment; 2200-12-31 is until further notice."
    )
    excepted: list[ChangeTypeName] = Field(
        default_factory=list, alias="except", description="Types of change that it does not hold up."
    )


class CalendarPart(_Part):
    """When changes may be released."""

    timezone: str | None = Field(default=None, description="An IANA time zone, like Europe/London.")
    holidays: Holidays | None = Field(default=None, description="Whose holidays close every window.")
    windows: dict[Id, WindowPart] = Field(default_factory=dict, max_length=50, description="Windows by name.")
    freezes: list[FreezePart] = Field(default_factory=list, max_length=100, description="When everything stands still.")


class SecretsPart(_Part):
    """How secrets are looked for."""

    config: str = Field(default="", max_length=200, description="A file of rules for it, on the base branch.")


class InfrastructurePart(_Part):
    """What infrastructure as code must have."""

    retention_days: int = Field(default=0, ge=0, le=36500, description="How long logs and data are kept at least.")
    encryption: bool = Field(default=False, description="Whether storage must be encrypted.")
    access_logging: bool = Field(default=False, description="Whether access must be logged.")
    tags: list[Word] = Field(default_factory=list, max_length=50, description="Tags that every resource has.")


class LicencesPart(_Part):
    """Which licences a dependency may not have."""

    deny: list[Word] = Field(default_factory=list, max_length=500, description="SPDX identifiers.")


class DependenciesPart(_Part):
    """Which dependencies a change may not bring."""

    deny: list[Word] = Field(
        default_factory=list, max_length=1000, description="Package URLs, with or without a version."
    )
    licences: LicencesPart = Field(default_factory=LicencesPart, description="Which licences they may not have.")


class WorkflowsPart(_Part):
    """What workflows may use."""

    pin: Literal["sha"] | None = Field(default=None, description="Actions must be named by commit.")
    allow: list[Word] | None = Field(default=None, max_length=500, description="Actions that may be used, as patterns.")


class SignaturesPart(_Part):
    """Which commits must be signed."""

    required: list[TierName] = Field(default_factory=list, description="In changes of these tiers, every commit.")


class ChecksPart(_Part):
    """What is looked for in the changed files."""

    secrets: SecretsPart = Field(default_factory=SecretsPart, description="Passwords, keys and tokens.")
    infrastructure: InfrastructurePart = Field(
        default_factory=InfrastructurePart, description="Infrastructure as code."
    )
    dependencies: DependenciesPart = Field(default_factory=DependenciesPart, description="Packages of others.")
    workflows: WorkflowsPart = Field(default_factory=WorkflowsPart, description="What builds, tests and deploys.")
    signatures: SignaturesPart = Field(default_factory=SignaturesPart, description="Signed commits.")


class EvidencePart(_Part):
    """A report of another tool that a change needs."""

    kind: Literal["sonarqube", "sarif", "dependency-check", "zap", "junit", "cyclonedx", "spdx"] = Field(
        description="The format of the report."
    )
    tool: str = Field(default="", max_length=100, description="The tool that wrote it.")
    name: str = Field(default="", max_length=100, description="The name that it was submitted under.")
    require: str = Field(default="", max_length=100, description="What the tool must have concluded.")
    at_most: dict[Word, float] = Field(default_factory=dict, max_length=20, description="Bounds of its figures.")
    suppressions: str = Field(default="", max_length=200, description="A file of accepted findings.")
    rules: str = Field(default="", max_length=200, description="A file of rules.")
    stage: Literal["merge", "deployment"] = Field(
        default="merge", description="By when it must be there; merge when missing."
    )
    not_older_than: Duration | None = Field(default=None, description="How old it may be.")


class EcabPart(_Part):
    """The board that decides about emergencies."""

    quorum: int = Field(ge=1, le=20, description="How many members must vote for it.")


class EmergencyPart(_Part):
    """Changes that cannot wait."""

    groups: Groups = Field(alias="from", description="Who may declare an emergency.")
    ecab: EcabPart = Field(
        default_factory=lambda: EcabPart(quorum=1),
        description="The board that decides about it; one member when missing.",
    )
    review_within: Duration = Field(
        default=timedelta(days=3),
        description="When it must have been looked back at, 3 days when missing; overdue, it blocks the next.",
    )
    lasts: Duration = Field(
        default=timedelta(hours=4), description="How long the emergency stands; 4 hours when missing."
    )
    approvals: list[ApprovalsPart] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="Approvals that an emergency needs instead of those of its tier; those of its tier when missing.",
    )


class WaiversPart(_Part):
    """Findings that somebody may let pass."""

    groups: Groups = Field(alias="from", description="Who may grant one: never the requester or a contributor.")
    at_most: Duration = Field(default=timedelta(days=30), description="How long one may hold; 30 days when missing.")


class RecordsPart(_Part):
    """Where change records are kept."""

    system: Literal["register", "servicenow", "jira"] = Field(description="Countersign's own register, or another one.")
    fields: dict[Word, Word] = Field(
        default_factory=dict, max_length=50, description="Our names of fields, and that system's."
    )
    extra: dict[Word, Word] = Field(default_factory=dict, max_length=50, description="Fields with a fixed value.")
    values: dict[Word, dict[Word, Word]] = Field(
        default_factory=dict, max_length=20, description="For a field, our values and that system's."
    )
    people: dict[Word, Login] = Field(
        default_factory=dict,
        max_length=5000,
        description="Who is who: a user name or e-mail address there, and the account here.",
    )
    carry_votes: bool = Field(
        default=False,
        description="Whether what the board decided here is written into the approvals there, in the name of each who "
        "voted. Only in ServiceNow.",
    )


class StandardPart(_Part):
    """A standard change: authorised beforehand, within these bounds."""

    id: Id = Field(description="What it is called in the reasons.")
    title: Word = Field(description="What people call it.")
    paths: list[Word] = Field(
        min_length=1,
        max_length=50,
        description="Patterns (RE2) of the files it may touch. One is found anywhere in a path, as with `matches` in "
        "expressions: `^` and `$` bind it to the ends, as in `^texts/.*\\.json$`.",
    )
    lines: int = Field(ge=1, description="How many lines it may change.")
    expires: Day = Field(description="The last day on which it is authorised.")


class AuditPart(_Part):
    """How long records are kept."""

    retention_days: int = Field(ge=1, le=36500, description="Days; 2555 are seven years.")


class RulePart(_Part):
    """A rule of your own: where ``when`` is true, ``require`` must be."""

    id: Id = Field(description="What it is called in the reasons.")
    controls: list[Word] = Field(
        default_factory=list, max_length=20, description="Controls of any pack, by id, that it gives evidence for."
    )
    when: Expression = Field(default="true", description="A CEL expression: for which changes; all when missing.")
    require: Expression = Field(description="A CEL expression: what must be true of them.")
    message: str = Field(min_length=1, max_length=500, description="What people read when it is not.")


class PolicyFile(_Part):
    """A policy file."""

    version: Annotated[Literal[1], BeforeValidator(_version)] = Field(description="The version of this language.")
    mode: ModeName | None = Field(default=None, description="observe reports and blocks nothing, enforce blocks.")
    observe: list[Word] = Field(
        default_factory=list, max_length=50, description="Findings that are reported and do not block."
    )
    packs: list[Id] = Field(default_factory=list, max_length=20, description="Control packs, one for a regulation.")
    roles: dict[RoleKey, list[Holder]] = Field(
        default_factory=dict, max_length=100, description="Roles, and the teams or accounts that hold each."
    )
    people: list[Annotated[list[Login], Field(min_length=2, max_length=20)]] = Field(
        default_factory=list, max_length=5000, description="Accounts that belong to one person."
    )
    applications: list[ApplicationPart] = Field(default_factory=list, max_length=5000, description="The inventory.")
    risk: RiskPart = Field(default_factory=RiskPart, description="What makes a change riskier.")
    tiers: TiersPart = Field(default_factory=TiersPart, description="What a change of each tier needs.")
    reviews: ReviewsPart = Field(default_factory=ReviewsPart, description="When an approval counts.")
    separation: list[SeparationPart] = Field(
        default_factory=list, max_length=50, description="Roles that one person must not hold in one change."
    )
    calendar: CalendarPart = Field(default_factory=CalendarPart, description="Windows, freezes and holidays.")
    checks: ChecksPart = Field(
        default_factory=ChecksPart, description="What Countersign itself looks for in the changed files."
    )
    evidence: list[EvidencePart] = Field(
        default_factory=list, max_length=50, description="Reports of other tools that a change needs."
    )
    emergency: EmergencyPart | None = Field(default=None, description="Changes that cannot wait.")
    waivers: WaiversPart | None = Field(default=None, description="Findings that somebody may let pass.")
    acknowledge: list[RoleKey] = Field(
        default_factory=list, max_length=20, description="Roles that may acknowledge an unauthorised change."
    )
    exclusive: list[Annotated[list[Word], Field(min_length=2, max_length=50)]] = Field(
        default_factory=list,
        max_length=100,
        description="Sets of applications or configuration items of which one is changed at a time.",
    )
    records: RecordsPart | None = Field(default=None, description="Where change records are kept.")
    standard: list[StandardPart] = Field(
        default_factory=list, max_length=100, description="Standard changes, authorised beforehand."
    )
    audit: AuditPart | None = Field(default=None, description="How long records are kept.")
    rules: list[RulePart] = Field(default_factory=list, max_length=100, description="Rules of your own.")
