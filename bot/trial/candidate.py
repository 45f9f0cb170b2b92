"""A policy that is tried: other files in the place of those that a recorded decision was made under. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.decide.evaluate import decide
from bot.decide.verdict import Decision, Finding, Verdict
from bot.errors import Refusal
from bot.facts.model import PullRequestFacts
from bot.ledger.decisions import Made
from bot.policy.assemble import Assembled, Source, assemble
from bot.policy.check import check, explain
from bot.policy.default import default
from bot.policy.inventory import Properties
from bot.policy.model import Layer, Mode, Policy
from bot.trial.model import Difference

Texts = Mapping[tuple[str, str], str]
"""The text of each policy file on record, by origin and blob."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The text to be tried, as the organisation's file, or as that of the repository ``repository`` (owner/name)."""

    text: str
    name: str
    repository: str | None = None

    def problems(self) -> str:
        """What is wrong in it by itself; empty when it can be used."""
        return explain(check(self.text, self.name).problems)


class NotKnownThen(Refusal):
    """The candidate can be used, and not for that change: it names what no policy above it knew then."""


@dataclass(slots=True)
class Trial:
    """Tries a candidate on recorded facts; policies that come out the same are made once."""

    candidate: Candidate
    texts: Texts
    _made: dict[tuple[str, str, Properties], Assembled] = field(default_factory=dict)

    def policy_for(self, facts: PullRequestFacts, layers: Sequence[Layer]) -> Policy:
        """The policy that would have been in force for the change that was decided under ``layers``.

        Raises:
            NotKnownThen: it can be used now, and could not be used then.
            Refusal: it cannot be used at all.

        """
        name = facts.repository.full_name.lower()
        own = next((layer.blob for layer in layers if layer.origin.startswith(f"{name}:.github/")), "")
        above = next(
            (layer for layer in layers if layer.blob and not layer.origin.startswith(f"{name}:.github/")), None
        )
        key = (name, f"{own}:{above.blob if above else ''}", facts.properties)
        if key not in self._made:
            self._made[key] = self._assembled(facts, own, above)
        return self._usable(self._made[key])

    def _usable(self, made: Assembled) -> Policy:
        if any(source.blob == "candidate" for source in made.broken):
            problems = "\n".join(f"{each.line}:{each.column}: {each.message}" for each in made.policy.problems)
            # What only names something that is not there is read all the same.
            if self.candidate.repository is not None and not made.policy.unusable:
                raise NotKnownThen(f"{self.candidate.name} could not be used then.", remedy=problems)
            raise Refusal(f"{self.candidate.name} cannot be used.", remedy=problems)
        return made.policy

    def _assembled(self, facts: PullRequestFacts, own: str, above: Layer | None) -> Assembled:
        name = facts.repository.full_name.lower()
        origin = f"{name}:.github/countersign.yml"
        repository = Source(origin, own, self.texts[origin, own]) if own else None
        organisation = Source(above.origin, above.blob, self.texts[above.origin, above.blob]) if above else None
        if self.candidate.repository is None:
            organisation = Source(self.candidate.name, "candidate", self.candidate.text)
        elif self.candidate.repository.lower() == name:
            repository = Source(origin, "candidate", self.candidate.text)
        return assemble(
            default(),
            organisation=organisation,
            repository=repository,
            last_good={},
            repository_name=facts.repository.name,
            properties=facts.properties,
        )

    def decide(self, made: Made) -> Decision:
        """What would have been decided then."""
        assert isinstance(made.facts, PullRequestFacts), "groups are decided by their members"
        return decide(made.facts, self.policy_for(made.facts, made.policy.layers), made.at)


def difference(subject: str, facts: PullRequestFacts, then: Decision, now: Decision) -> Difference | None:
    """How the two decisions differ in what matters; None when they do not."""
    how = tuple(_how(then, now))
    if not how:
        return None
    contributors = {account for each in now.people if each.role == "contributor" for account in each.accounts}
    return Difference(
        subject=subject,
        repository=facts.repository.full_name,
        number=facts.number,
        was=then.verdict,
        would=now.verdict,
        how=how,
        contributors=tuple(sorted(contributors)),
        loosens=_stops(then) and not _stops(now),
    )


def _stops(decision: Decision) -> bool:
    """Whether the change cannot be merged: what is only observed is not stopped by anything."""
    return decision.mode is Mode.ENFORCE and decision.verdict not in {Verdict.PASS, Verdict.WAIVED}


def _how(then: Decision, now: Decision) -> list[str]:
    told = []
    if then.mode is not now.mode:
        told.append(f"mode {then.mode.value} would be {now.mode.value}")
    if then.tier is not now.tier:
        told.append(f"tier {then.tier.label} would be {now.tier.label}")
    before = {finding.id: finding.blocks for finding in then.findings}
    after = {finding.id: finding for finding in now.findings}
    for name in sorted({*before, *after}):
        was = before.get(name, Verdict.PASS)
        would = after[name].blocks if name in after else Verdict.PASS
        if was is not would:
            told.append(f"{name}: {was.value} would be {would.value}" + _headline(after.get(name)))
    return told


def _headline(finding: Finding | None) -> str:
    return f" ({finding.headline})" if finding is not None else ""
