import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.github.errors import Invalid, Unanswered
from bot.github.tokens import InstallationTokens, Scope, Token

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
READ = Scope(7, (("checks", "read"), ("merge_queues", "read")))
WRITE = Scope(7, (("checks", "write"),))


@dataclass
class Giver:
    """Gives tokens that live for an hour, when it is let."""

    now: datetime = NOON
    asked: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    asked_about: list[int] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    installation: Any = field(default_factory=lambda: {"permissions": {}})

    def __post_init__(self) -> None:
        self.open.set()

    async def ask(self, installation_id: int, body: Mapping[str, Any]) -> Any:
        self.asked.append((installation_id, body))
        await self.open.wait()
        if self.failing:
            raise self.failing.pop()
        if self.answers:
            return self.answers.pop()
        return {"token": f"ghs_{len(self.asked)}", "expires_at": (self.now + timedelta(hours=1)).isoformat()}

    async def ask_installation(self, installation_id: int) -> Any:
        self.asked_about.append(installation_id)
        return self.installation

    def clock(self) -> datetime:
        return self.now


@pytest.fixture
def giver() -> Giver:
    return Giver()


@pytest.fixture
def tokens(giver: Giver) -> InstallationTokens:
    return InstallationTokens(giver.ask, giver.ask_installation, giver.clock)


async def test_a_token_is_narrowed_to_what_it_is_for(tokens: InstallationTokens, giver: Giver) -> None:
    await tokens.token(READ)
    await tokens.token(WRITE)
    await tokens.token(Scope(8, (("checks", "write"),), repository_ids=(21, 22)))
    assert giver.asked == [
        (7, {"permissions": {"checks": "read", "merge_queues": "read"}}),
        (7, {"permissions": {"checks": "write"}}),
        (8, {"permissions": {"checks": "write"}, "repository_ids": [21, 22]}),
    ]


async def test_a_hundred_callers_need_one_request(tokens: InstallationTokens, giver: Giver) -> None:
    giver.open.clear()
    callers = [asyncio.ensure_future(tokens.token(READ)) for _ in range(100)]
    await asyncio.sleep(0)
    giver.open.set()
    assert {token.text for token in await asyncio.gather(*callers)} == {"ghs_1"}
    assert len(giver.asked) == 1


async def test_it_is_used_until_five_minutes_before_it_expires(tokens: InstallationTokens, giver: Giver) -> None:
    first = await tokens.token(READ)
    giver.now = NOON + timedelta(minutes=54, seconds=59)
    assert await tokens.token(READ) is first
    giver.now = NOON + timedelta(minutes=55)
    assert (await tokens.token(READ)).text == "ghs_2"


async def test_one_that_was_not_accepted_is_dropped_once(tokens: InstallationTokens, giver: Giver) -> None:
    first = await tokens.token(READ)
    tokens.drop(READ, first)
    second = await tokens.token(READ)
    tokens.drop(READ, first)
    assert await tokens.token(READ) is second
    assert len(giver.asked) == 2


async def test_a_caller_who_gives_up_does_not_take_the_token_from_the_others(
    tokens: InstallationTokens, giver: Giver
) -> None:
    giver.open.clear()
    first, second = (asyncio.ensure_future(tokens.token(READ)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    giver.open.set()
    assert (await second).text == "ghs_1"
    assert first.cancelled()


async def test_a_failure_is_told_to_all_who_waited_and_is_not_remembered(
    tokens: InstallationTokens, giver: Giver
) -> None:
    giver.failing = [Unanswered("GitHub")]
    told = await asyncio.gather(*(tokens.token(READ) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [Unanswered] * 3
    assert (await tokens.token(READ)).text == "ghs_2"


async def test_a_failure_that_nobody_waits_for_any_more_is_no_noise(tokens: InstallationTokens, giver: Giver) -> None:
    noise: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    giver.failing = [Unanswered("GitHub")]
    giver.open.clear()
    caller = asyncio.ensure_future(tokens.token(READ))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    giver.open.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert tokens._flights == {}
    assert giver.failing == []
    assert noise == []


async def test_a_flight_that_is_cancelled_is_over(tokens: InstallationTokens, giver: Giver) -> None:
    giver.open.clear()
    caller = asyncio.ensure_future(tokens.token(READ))
    async with asyncio.timeout(5):
        while not giver.asked:  # noqa: ASYNC110 - what is asked is counted, and there is no event for it
            await asyncio.sleep(0)
    tokens._flights[READ].cancel()
    await asyncio.gather(caller, return_exceptions=True)
    giver.open.set()
    assert (await tokens.token(READ)).text == "ghs_2"


@pytest.mark.parametrize("text", ["ghs_" + "a" * 36, "ghs_4711_" + "eyJ." * 300, "x", "ünüsual"])
async def test_a_token_may_have_any_form_and_length(tokens: InstallationTokens, giver: Giver, text: str) -> None:
    giver.answers = [{"token": text, "expires_at": "2026-11-24T13:00:00Z"}]
    assert await tokens.token(READ) == Token(text, NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"token": "x"},
        {"token": "x", "expires_at": None},
        {"token": "x", "expires_at": "soon"},
        {"token": "x", "expires_at": "2026-11-24T13:00:00"},
        {"token": 7, "expires_at": "2026-11-24T13:00:00Z"},
    ],
)
async def test_what_is_no_token_is_asked_for_again_later(
    tokens: InstallationTokens, giver: Giver, answer: object
) -> None:
    giver.answers = [answer]
    with pytest.raises(Unanswered, match="token that can be read"):
        await tokens.token(READ)
    assert (await tokens.token(READ)).text == "ghs_2"


async def test_without_one_permission_the_rest_goes_on(
    tokens: InstallationTokens, giver: Giver, logged: list[Any]
) -> None:
    giver.failing = [Invalid("The permissions requested are not granted to this installation.")]
    giver.installation = {"permissions": {"checks": "write", "contents": "read"}}
    assert (await tokens.token(READ)).text == "ghs_2"
    assert giver.asked_about == [7]
    assert giver.asked[-1] == (7, {"permissions": {"checks": "read"}})
    (line,) = logged
    assert (line["event"], line["missing"]) == ("permissions_not_granted", ["merge_queues"])
    assert (await tokens.token(READ)).text == "ghs_2"


@pytest.mark.parametrize("permissions", [{}, {"checks": "none"}, {"checks": "write", "merge_queues": "read"}])
async def test_a_refusal_that_no_permission_explains_stands(
    tokens: InstallationTokens, giver: Giver, permissions: dict[str, str]
) -> None:
    giver.failing = [Invalid("no")]
    giver.installation = {"permissions": permissions}
    with pytest.raises(Invalid, match="no"):
        await tokens.token(READ)
    assert len(giver.asked) == 1


def test_less_than_wanted_is_better_than_nothing() -> None:
    assert WRITE.within({"checks": "read"}).permissions == (("checks", "read"),)
    assert WRITE.within({"checks": "admin"}) == WRITE


@pytest.mark.parametrize("installation", [None, [], {}, {"permissions": "all"}])
async def test_an_installation_that_cannot_be_read_is_asked_about_again_later(
    tokens: InstallationTokens, giver: Giver, installation: object
) -> None:
    giver.failing = [Invalid("no")]
    giver.installation = installation
    with pytest.raises(Unanswered, match="installation that can be read"):
        await tokens.token(READ)


async def test_the_text_is_not_shown(tokens: InstallationTokens) -> None:
    token = await tokens.token(READ)
    assert "ghs_" not in repr(token)
    assert "ghs_" not in repr(tokens)
