"""What a pack of controls may say: one model for each key. Strict, as a policy file is."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.policy.schema import TierName

PackRole = Literal["contributor", "approver", "requester", "cab", "merger", "deployer", "verifier", "policy-owner"]

PERIOD = re.compile(r"([1-9][0-9]?) (month|year)s?", re.ASCII)
_CONTROL = re.compile(r"[A-Z0-9]+(?:[.-][A-Za-z0-9]+(?:\([0-9]+\))?)+", re.ASCII)


def _period(text: str) -> str:
    if not PERIOD.fullmatch(text):
        raise ValueError("is not a period: a number of years or of months, such as `7 years`")
    return text


def _sentence(text: str) -> str:
    if not text.endswith("."):
        raise ValueError("is not a sentence: it ends with a full stop")
    return text


def _control(text: str) -> str:
    if not _CONTROL.fullmatch(text):
        raise ValueError("is not a control's id: letters and digits, joined by hyphens and dots")
    return text


Sentence = Annotated[str, AfterValidator(_sentence)]
Text = Annotated[str, Field(min_length=1, max_length=300)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RetentionPart(_Part):
    """How long evidence is kept, and why so long."""

    period: Annotated[str, AfterValidator(_period)]
    starts: Literal["record", "audit-concluded"] = "record"
    laid_down: bool = Field(description="Whether the source itself names the period.")
    because: Sentence


class ControlPart(_Part):
    """A control of the regulation."""

    id: Annotated[str, AfterValidator(_control)]
    title: Text = Field(description="What it asks for, in our words.")
    source: Text = Field(description="The article or requirement.")
    basis: Literal["text", "commentary", "practice"] = Field(description="What the entry was compared with.")
    satisfied_by: list[str] | None = Field(default=None, min_length=1, description="Findings that give evidence.")
    remainder: Sentence | None = Field(default=None, description="What they leave open.")
    not_judged: Sentence | None = Field(default=None, description="Why no change can show it, and where it is judged.")
    retention: RetentionPart | None = Field(default=None, description="That of the pack when missing.")


class SourcePart(_Part):
    """Where the text stands."""

    document: Text
    publisher: Text


class PairPart(_Part):
    """Two roles that one person must not hold in one change."""

    roles: list[PackRole] = Field(min_length=2, max_length=2)
    tiers: list[TierName] | None = Field(default=None, min_length=1, description="All tiers when missing.")


class FragmentPart(_Part):
    """What the pack adds to the policy."""

    separation: list[PairPart] = Field(min_length=1)


class PackFile(_Part):
    """A file of ``config/packs``."""

    pack: str
    title: Text
    edition: Text
    source: SourcePart
    note: Sentence | None = None
    retention: RetentionPart
    policy: FragmentPart | None = None
    policy_because: Sentence | None = Field(default=None, description="Where the regulation asks for that.")
    controls: list[ControlPart] = Field(min_length=1, max_length=500)
