"""Deliveries accepted durably: the web application on PostgreSQL, next to a minimal Probot app that keeps nothing."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import uvloop

from bench import load, probot
from bench.ground import Ground, Questions, child, free_port, program
from bench.load import HEAD, Outcome, Target
from bench.table import Table, middle, spread
from bot.sandbox import SimulatedGitHub
from bot.sandbox.auth import private_key_pem
from bot.store.pool import working_conninfo

SECRET = "a secret of the benchmark"
SIZE = 22 * 1024
"""Bytes of a delivery: what GitHub usually needs to tell of a pull request."""

PULLS = 512
"""How many pull requests the deliveries are about."""

SECONDS = 8.0
_DURABLE = ("synchronous_commit", "fsync", "full_page_writes")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The outcomes of one application's runs."""

    name: str
    outcomes: tuple[Outcome, ...]

    def row(self) -> tuple[str, ...]:
        """Its line in the table."""
        return (
            self.name,
            spread([each.rate for each in self.outcomes]),
            spread([each.p50 * 1000 for each in self.outcomes], 1),
            spread([each.p99 * 1000 for each in self.outcomes], 1),
            f"{middle(each.busy for each in self.outcomes):.0%}",
        )


def measure(ground: Ground) -> Table:
    """Both applications in turns, so that what else the machine does falls on both."""
    bodies = uvloop.run(_bodies())
    ours: list[Outcome] = []
    theirs: list[Outcome] = []
    try:
        version, obstacle = probot.installed(), ""
    except RuntimeError as error:
        version, obstacle = "", f"There is no comparison: {error}."
    for _ in range(ground.runs):
        ours.append(_countersign(ground, bodies))
        if version:
            theirs.append(_probot(bodies))
    applications = [Accepted("Countersign, stored and committed", tuple(ours))]
    applications += [Accepted(f"Probot {version}, nothing is stored", tuple(theirs))] if theirs else []
    remarks = _remarks() if not obstacle else (*_remarks(), obstacle)
    return Table(
        "Deliveries accepted",
        ("application", "a second", "p50, ms", "p99, ms", "generator"),
        tuple(each.row() for each in applications),
        remarks,
    )


def _remarks() -> tuple[str, ...]:
    return (
        f"""pull_request deliveries of {SIZE:,} bytes, each with its own GUID, commit and signature, about {PULLS} \
pull requests, over {load.CONNECTIONS} connections that send again when answered; {SECONDS:.0f} s after \
{load.WARM_UP:.0f} s of warm-up.""",
        f"""Countersign: `python -m bot web` and the embedded PostgreSQL; a delivery is answered when it, its work and \
its ledger entry are committed ({", ".join(f"{name} on" for name in _DURABLE)}), and every one was found there.""",
        """Probot checks the signature and calls a handler that counts, in one process; it stores nothing, so what it \
has accepted is lost when it stops: the two rates are not of the same work.""",
        """The load generator is one process on the same machine, the same for both; `generator` is how busy it was.""",
    )


async def _bodies() -> list[bytes]:
    """Deliveries as the simulated GitHub writes them, filled up to the size."""
    async with SimulatedGitHub.start(webhook_secret=SECRET) as gh:
        org = gh.organisation("bank")
        alice = org.person("alice")
        repository = org.repository("core", files={"a": "1"}, access={alice: "write"})
        pull = repository.open_pull_request(by=alice, title="Round to the cent", files={"a": "2"})
        pull.push(by=alice, files={"a": "3"})
        await gh.settle()
        sent = [each.payload for each in gh.deliveries if each.action == "synchronize"]
        text = sent[-1].replace(pull.head_sha.encode(), HEAD)
    return [_sized(json.loads(text), number) for number in range(1, PULLS + 1)]


def _sized(payload: dict[str, object], number: int) -> bytes:
    pull = payload["pull_request"]
    assert isinstance(pull, dict)
    payload["number"] = pull["number"] = number
    pull["body"] = ""
    missing = SIZE - len(_written(payload))
    assert missing >= 0, f"the payload alone has {SIZE - missing} bytes"
    pull["body"] = "w" * missing
    return _written(payload)


def _written(payload: dict[str, object]) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def _countersign(ground: Ground, bodies: list[bytes]) -> Outcome:
    with ground.database() as url, _web(url) as target:
        outcome = _sent(target, bodies)
        _check_durable(url, outcome)
    return outcome


@contextmanager
def _web(url: str) -> Iterator[Target]:
    port = free_port()
    environment = {
        "DATABASE_URL": url,
        "GITHUB_APP_ID": "1",
        "GITHUB_PRIVATE_KEY": private_key_pem(),
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_FORMAT": "json",
    }
    with program([sys.executable, "-m", "bot", "web"], environment, ready=f"http://127.0.0.1:{port}/readyz"):
        yield Target(port, "/webhook", SECRET.encode())


def _check_durable(url: str, outcome: Outcome) -> None:
    """Every delivery that was accepted is in the database, and in the ledger, and commits wait for the disk."""
    with psycopg.connect(working_conninfo(url)) as connection:
        settings = {name: connection.execute(f"SHOW {name}").fetchone() for name in _DURABLE}
        found = connection.execute(
            "SELECT (SELECT count(*) FROM delivery), "
            "(SELECT count(*) FROM ledger_entry WHERE kind = 'github:delivery:accepted')"
        ).fetchone()
    assert all(value == ("on",) for value in settings.values()), settings
    assert found == (outcome.accepted, outcome.accepted), (found, outcome.accepted)


def _probot(bodies: list[bytes]) -> Outcome:
    with probot.running(SECRET, private_key_pem()) as app:
        outcome = _sent(app.target, bodies)
        assert app.heard() == outcome.accepted, (app.heard(), outcome.accepted)
    return outcome


def _sent(target: Target, bodies: list[bytes]) -> Outcome:
    with child(_generate, target, bodies) as generator:
        outcome = generator.ready
    assert isinstance(outcome, Outcome)
    return outcome


async def _generate(questions: Questions, target: Target, bodies: list[bytes]) -> None:
    outcome = await load.run(target, bodies, SECONDS)
    await questions.answer(lambda _: None, ready=outcome)
