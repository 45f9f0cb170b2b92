from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from bot.changes.systems.authorization import Basic, ClientCredentials
from bot.changes.systems.errors import Unanswered
from tests.unit.changes.systems.conftest import Ticking


class Endpoint:
    """Answers from a list, the last for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Mapping[str, str]] = []

    async def __call__(self, form: Mapping[str, str]) -> Any:
        self.asked.append(form)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def token(text: str = "t1", lives: object = 1800) -> dict[str, object]:
    return {"access_token": text, "token_type": "Bearer", "expires_in": lives}


async def test_a_name_and_a_password() -> None:
    basic = Basic("svc", "pass:word")
    assert await basic.header() == "Basic c3ZjOnBhc3M6d29yZA=="
    assert not basic.refused(await basic.header())
    assert basic.secrets() == ("pass:word", "c3ZjOnBhc3M6d29yZA==")
    assert "pass:word" not in repr(basic)


async def test_a_token_is_asked_for_as_rfc_6749_says(clock: Ticking) -> None:
    endpoint = Endpoint(token())
    credentials = ClientCredentials("id", "s&t", endpoint, clock)
    assert await credentials.header() == "Bearer t1"
    assert endpoint.asked == [{"grant_type": "client_credentials", "client_id": "id", "client_secret": "s&t"}]
    assert set(credentials.secrets()) == {"s&t", "s%26t", "t1"}


@pytest.mark.parametrize(("lives", "used"), [(1800, 1740), (90, 45), (4, 5), (0, 5), (-7, 5), ("600", 540)])
async def test_a_token_is_used_until_shortly_before_its_end(clock: Ticking, lives: object, used: int) -> None:
    endpoint = Endpoint(token("t1", lives), token("t2"))
    credentials = ClientCredentials("id", "secret", endpoint, clock)
    await credentials.header()
    clock.go_on(seconds=used - 0.001)
    assert await credentials.header() == "Bearer t1"
    clock.go_on(seconds=0.001)
    assert await credentials.header() == "Bearer t2"


async def test_a_token_that_was_refused_is_forgotten_once(clock: Ticking) -> None:
    credentials = ClientCredentials("id", "secret", Endpoint(token("t1"), token("t2"), token("t3")), clock)
    first = await credentials.header()
    assert credentials.refused(first)
    second = await credentials.header()
    # Somebody who was slower hears that the first one is refused: the second stays.
    assert credentials.refused(first)
    assert await credentials.header() == second == "Bearer t2"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "token",
        {},
        {"access_token": "t"},
        token(""),
        token("two words"),
        token("line\r\nX-Evil: 1"),
        {**token(), "access_token": 5},
        token("t", "soon"),
        token("t", None),
        token("t", float("inf")),
        token("t", 1e300),
        {**token(), "token_type": "mac"},
    ],
)
async def test_what_is_no_token(clock: Ticking, answer: Any) -> None:
    credentials = ClientCredentials("id", "secret", Endpoint(answer, token("t2")), clock)
    with pytest.raises(Unanswered, match="access token that can be read"):
        await credentials.header()
    assert await credentials.header() == "Bearer t2"


async def test_a_failure_is_not_remembered(clock: Ticking) -> None:
    async def fails(_: Mapping[str, str]) -> Any:
        raise Unanswered("a token")

    credentials = ClientCredentials("id", "secret", fails, clock)
    for _ in range(2):
        with pytest.raises(Unanswered):
            await credentials.header()
    assert credentials.secrets() == ("secret", "secret")
    clock.time += timedelta(days=1)
