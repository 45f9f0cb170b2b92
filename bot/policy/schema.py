"""What a policy file may say: one model for each key. Strict: what is not named here is an error."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

TierName = Literal["low", "medium", "high"]
RoleName = Literal["contributor", "approver"]

_ACCOUNT = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?"
_HOLDER = re.compile(rf"{_ACCOUNT}(?:/[A-Za-z0-9._-]{{1,100}})?", re.ASCII)
_LOGIN = re.compile(_ACCOUNT, re.ASCII)
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,49}", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z0-9._*?\[\]!-]{1,200}", re.ASCII)


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


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError("is not a repository's name, or a pattern of one with * and ?")
    return text


Holder = Annotated[str, AfterValidator(_holder)]
Login = Annotated[str, AfterValidator(_login)]
RoleKey = Annotated[str, AfterValidator(_role)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ApprovalsPart(_Part):
    """``count`` approvals by different people, from any of the groups ``from``."""

    count: int = Field(ge=1, le=20, description="How many people must approve.")
    groups: list[RoleKey] = Field(
        alias="from", min_length=1, max_length=20, description="write, maintain, admin, or a role of this policy."
    )


class TierPart(_Part):
    """What a change of a tier needs."""

    approvals: list[ApprovalsPart] = Field(min_length=1, max_length=20, description="All of these are demanded.")


class TiersPart(_Part):
    """The three tiers; one that is missing is taken from the layer above."""

    low: TierPart | None = None
    medium: TierPart | None = None
    high: TierPart | None = None


class SeparationPart(_Part):
    """Two roles that one person must not hold in one change."""

    roles: list[RoleName] = Field(min_length=2, max_length=2)
    tiers: list[TierName] | None = Field(default=None, min_length=1, description="All tiers when missing.")


class ApplicationPart(_Part):
    """An application of the inventory."""

    name: str = Field(min_length=1, max_length=100)
    repositories: list[Pattern] = Field(min_length=1, max_length=500)
    tier: TierName


class PolicyFile(_Part):
    """A policy file."""

    version: Literal[1] = Field(description="The version of this language.")
    mode: Literal["observe", "enforce"] | None = Field(default=None, description="observe reports, enforce blocks.")
    roles: dict[RoleKey, list[Holder]] = Field(default_factory=dict, max_length=100)
    people: list[Annotated[list[Login], Field(min_length=2, max_length=20)]] = Field(default_factory=list)
    applications: list[ApplicationPart] = Field(default_factory=list)
    tiers: TiersPart = Field(default_factory=TiersPart)
    separation: list[SeparationPart] = Field(default_factory=list)
