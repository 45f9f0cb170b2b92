"""The policy that comes with Countersign: what it says, and what its comments show."""

import re

from bot.policy.check import check, explain
from bot.policy.default import default
from bot.policy.model import Approvals, Mode, Tier
from bot.policy.schema import PolicyFile
from bot.policy.shelf import folder
from bot.policy.yaml import read

TEXT = (folder() / "default-policy.yml").read_text(encoding="utf-8")


def uncommented() -> str:
    """The file as it is when every example takes the place of what stands above it."""
    shown = re.findall(r"^#\|(.*)$", TEXT, re.MULTILINE)
    named = {line.partition(":")[0] for line in shown if re.match(r"[a-z]", line)}
    kept = re.split(r"^(?=[a-z])", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE), flags=re.MULTILINE)
    return "".join(part for part in kept if part.partition(":")[0] not in named) + "\n".join(shown)


def test_the_examples_in_its_comments_are_sound() -> None:
    assert explain(check(uncommented(), "o").problems) == ""


def test_every_key_is_there_or_shown() -> None:
    assert read(uncommented(), "o").values.keys() == PolicyFile.model_fields.keys()


def test_every_key_has_a_comment_above_it() -> None:
    parts = TEXT.strip().split("\n\n")
    for part in parts[1:]:
        first = part.splitlines()[0]
        assert first.startswith("# "), part


def test_it_observes_and_asks_for_two_people_at_least() -> None:
    assert default().mode is Mode.OBSERVE
    counts = {tier: rules.approvals for tier, rules in default().tiers.items()}
    two = (Approvals(2, ("write",)),)
    assert counts == {Tier.LOW: (Approvals(1, ("write",)),), Tier.MEDIUM: two, Tier.HIGH: two}
