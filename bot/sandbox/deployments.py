"""Environments, and the deployments that wait for the App's word."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bot.sandbox.accounts import Account
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import deployments as shapes

if TYPE_CHECKING:
    from bot.sandbox.repositories import Repository

MOST_REPORTS, LONGEST_REPORT = 10, 1024


@dataclass(slots=True, eq=False)
class Environment:
    """A place to deploy to. ``gated``: the App's deployment protection rule is enabled there."""

    id: int
    repository: Repository
    name: str
    created_at: datetime
    gated: bool = True


@dataclass(frozen=True, slots=True)
class Word:
    """What the App said about a deployment; ``state`` None is a report only."""

    environment: str
    state: str | None
    comment: str
    at: datetime


@dataclass(slots=True, eq=False)
class WorkflowRun:
    """A workflow's run that wants to deploy ``sha`` to ``environment``: ``state`` is waiting, approved or rejected."""

    id: int
    deployment_id: int
    repository: Repository
    environment: Environment
    sha: str
    ref: str
    actor: Account
    created_at: datetime
    state: str = "waiting"
    words: list[Word] = field(default_factory=list)

    @property
    def callback_url(self) -> str:
        """Where the App answers."""
        repository = self.repository
        return (
            f"{repository.world.api_url}/repos/{repository.full_name}/actions/runs/{self.id}/deployment_protection_rule"
        )

    def answer(self, environment: str, state: str | None, comment: str) -> None:
        """The App approves, rejects, or reports."""
        if environment != self.environment.name:
            raise Refused("environment_name is not one that this run waits for")
        if state not in {None, "approved", "rejected"}:
            raise Refused("state is approved or rejected")
        if len(comment) > LONGEST_REPORT:
            raise Refused(f"comment has at most {LONGEST_REPORT} characters")
        if state is None and sum(word.state is None for word in self.words) >= MOST_REPORTS:
            raise Refused(f"at most {MOST_REPORTS} status reports for a deployment")
        if state is not None and self.state != "waiting":
            raise Refused("the deployment was answered before")
        self.words.append(Word(environment, state, comment, self.repository.world.now()))
        self.state = state or self.state


def environment(repository: Repository, name: str, *, gated: bool = True) -> Environment:
    """The environment of that name, made when there is none."""
    known = repository.environments.get(name)
    if known is None:
        world = repository.world
        known = Environment(world.numbers.next("Environment"), repository, name, world.now(), gated)
        repository.environments[name] = known
    return known


def deploy(place: Environment, *, by: Account, branch: str) -> WorkflowRun:
    """Start a workflow that deploys the tip of ``branch``; it waits where the App's rule is enabled."""
    repository = place.repository
    world = repository.world
    run = WorkflowRun(
        world.numbers.next("WorkflowRun"),
        world.numbers.next("Deployment"),
        repository,
        place,
        repository.branches[branch],
        f"refs/heads/{branch}",
        by,
        world.now(),
        "waiting" if place.gated else "approved",
    )
    repository.workflow_runs[run.id] = run
    if place.gated:
        repository.tell("deployment_protection_rule", "requested", by, **shapes.protection_rule(run))
    return run
