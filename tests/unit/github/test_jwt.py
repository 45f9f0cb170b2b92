from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bot.errors import Refusal
from bot.github.jwt import AppTokens

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Settable:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def settable() -> Settable:
    return Settable()


@pytest.fixture
def tokens(private_key: str, settable: Settable) -> AppTokens:
    return AppTokens(4711, private_key, settable)


def claims(token: str, private_key: str) -> dict[str, object]:
    public = load_pem_private_key(private_key.encode(), None).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    found: dict[str, object] = jwt.decode(
        token, public, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    )
    return found


def test_it_names_the_app_and_lives_for_less_than_ten_minutes(tokens: AppTokens, private_key: str) -> None:
    told = claims(tokens.token(), private_key)
    noon = int(NOON.timestamp())
    assert told == {"iss": "4711", "iat": noon - 60, "exp": noon + 9 * 60}
    assert jwt.get_unverified_header(tokens.token())["alg"] == "RS256"


def test_it_is_signed_once_and_used_until_shortly_before_it_expires(tokens: AppTokens, settable: Settable) -> None:
    first = tokens.token()
    settable.now = NOON + timedelta(minutes=8)
    assert tokens.token() is first
    settable.now += timedelta(seconds=1)
    assert tokens.token() != first


def test_a_clock_that_is_set_back_gets_a_token_that_is_not_from_the_future(
    tokens: AppTokens, settable: Settable, private_key: str
) -> None:
    tokens.token()
    settable.now = NOON - timedelta(hours=1)
    assert claims(tokens.token(), private_key)["exp"] == int(settable.now.timestamp()) + 9 * 60


def test_the_key_is_parsed_once(private_key: str, settable: Settable, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = AppTokens(4711, private_key, settable)
    monkeypatch.setattr("bot.github.jwt.load_pem_private_key", None)
    first = tokens.token()
    settable.now += timedelta(minutes=9)
    assert tokens.token() != first


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def locked(private_key: str) -> str:
    key = load_pem_private_key(private_key.encode(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")).decode()


def test_what_is_no_rsa_key_is_refused_with_a_remedy(private_key: str, settable: Settable) -> None:
    for wrong in ["", "no key", elliptic(), locked(private_key), private_key[:400]]:
        with pytest.raises(Refusal, match="private key") as refused:
            AppTokens(4711, wrong, settable)
        assert refused.value.remedy == "Give the PEM file that GitHub made."


def test_no_secret_is_shown(tokens: AppTokens, private_key: str) -> None:
    shown = repr(tokens)
    assert tokens.token() not in repr(tokens)
    assert private_key.splitlines()[1] not in shown
    assert "RSAPrivateKey" not in shown
