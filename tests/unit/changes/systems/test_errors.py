from datetime import timedelta

import pytest

from bot.changes.systems.errors import limit
from tests.unit.changes.systems.conftest import Ticking

NOW = Ticking()()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "99999999999999"}, 86400),
        ({"retry-after": "Tue, 24 Nov 2026 12:02:00 GMT"}, 120),
        ({"retry-after": "Tue, 24 Nov 2026 12:02:00"}, 120),
        ({"retry-after": "Tue, 24 Nov 2020 12:02:00 GMT"}, 0),
        ({"retry-after": "Tue, 24 Nov 2099 12:02:00 GMT"}, 86400),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "²"}, 60),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 45)}, 45),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 45)}, 60),
        ({"x-ratelimit-reset": "9999999999"}, 86400),
        ({"x-ratelimit-reset": "99999999999"}, 60),
        ({"x-ratelimit-reset": "x"}, 60),
        ({"retry-after": "5", "x-ratelimit-reset": str(int(NOW.timestamp()) + 45)}, 5),
        ({}, 60),
    ],
)
def test_when_a_limit_ends(headers: dict[str, str], seconds: int) -> None:
    error = limit(headers, NOW, system="ServiceNow")
    assert error.until == NOW + timedelta(seconds=seconds)
    assert error.waits_for == "ServiceNow's rate limit"
