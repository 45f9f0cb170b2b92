"""Who asks: the App by a JWT that its key has signed, or one of its installations by a token."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox.organisations import Installation
from bot.sandbox.repositories import Repository
from bot.sandbox.rules import Refused, not_found
from bot.sandbox.world import World

LIFE = timedelta(hours=1)
LONGEST_JWT = timedelta(minutes=10)
SKEW = timedelta(seconds=60)
MOST_REPOSITORIES = 500
LEVELS = ("read", "write", "admin")


@cache
def private_key_pem() -> str:
    """The App's key, the same for the whole process: making one takes longer than most stories."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, no_password).decode()


@cache
def _public_key() -> rsa.RSAPublicKey:
    key = serialization.load_pem_private_key(private_key_pem().encode(), None)
    public = key.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    return public


@dataclass(frozen=True, slots=True)
class Token:
    """What an installation token allows; ``repository_ids`` None is every repository."""

    text: str = field(repr=False)
    installation: Installation
    permissions: Mapping[str, str]
    repository_ids: frozenset[int] | None
    expires_at: datetime

    def sees(self, repository: Repository) -> bool:
        """Whether it opens a repository of its installation."""
        return self.repository_ids is None or repository.id in self.repository_ids


@dataclass(slots=True)
class Tokens:
    """The tokens that were given out."""

    world: World
    given: dict[str, Token] = field(default_factory=dict)

    def grant(self, installation: Installation, asked: Mapping[str, Any]) -> Token:
        """A token with what was asked, which may not be more than the App was granted.

        Raises:
            Refused: it is more, or the installation is suspended.

        """
        if installation.deleted:
            raise not_found()
        if installation.suspended_at is not None:
            raise Refused("This installation has been suspended", status=403)
        permissions = dict(installation.permissions)
        if wanted := asked.get("permissions"):
            if any(not allows(permissions, key, level) for key, level in wanted.items()):
                raise Refused("The permissions requested are not granted to this installation.")
            permissions = {**wanted, "metadata": "read"}
        repositories = self._repositories(installation, asked)
        expires = self.world.now() + LIFE
        token = Token(self._text(), installation, permissions, repositories, expires.replace(microsecond=0))
        self.given[token.text] = token
        return token

    def _repositories(self, installation: Installation, asked: Mapping[str, Any]) -> frozenset[int] | None:
        ids, names = asked.get("repository_ids"), asked.get("repositories")
        if ids is None and names is None:
            return None
        here = installation.organisation.repositories
        chosen = {*(ids or ()), *(here[name].id if name in here else 0 for name in names or ())}
        if not chosen <= {repository.id for repository in here.values()} or len(chosen) > MOST_REPOSITORIES:
            raise Refused(
                "There is at least one repository that does not exist or is not accessible to the parent installation."
            )
        return frozenset(chosen)

    def _text(self) -> str:
        """Long, of three parts, and never of a length that somebody may rely on."""
        number = len(self.given)
        parts = [
            hashlib.shake_256(f"{part}:{number}".encode()).digest(size) for part, size in enumerate((36, 150, 256))
        ]
        return f"ghs_{self.world.app.id}_" + ".".join(
            base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts
        )

    def find(self, text: str) -> Token:
        """The token.

        Raises:
            Refused: it was never given out, has expired, or its installation has ended.

        """
        token = self.given.get(text)
        if token is None or token.expires_at <= self.world.now() or token.installation.deleted:
            raise Refused("Bad credentials", status=401)
        if token.installation.suspended_at is not None:
            raise Refused("This installation has been suspended", status=403)
        return token

    def revoke_all(self) -> None:
        """Let every token end now."""
        self.given.clear()

    def check_app(self, text: str) -> None:
        """Refuse whoever does not prove to be the App.

        Raises:
            Refused: the JWT is wrong, too long-lived, too old, or of another App.

        """
        now = self.world.now()
        try:
            claims = jwt.decode(
                text, _public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.InvalidTokenError as error:
            raise Refused("A JSON web token could not be decoded", status=401) from error
        if str(claims.get("iss")) not in {str(self.world.app.id), self.world.app.client_id}:
            raise Refused("Integration must generate a public key", status=401)
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(expires, int) or expires <= now.timestamp():
            raise Refused("'Expiration time' claim ('exp') must be a numeric value in the future", status=401)
        if expires > (now + LONGEST_JWT + SKEW).timestamp():
            raise Refused("'Expiration time' claim ('exp') is too far in the future", status=401)
        if not isinstance(issued, int) or issued > (now + SKEW).timestamp():
            raise Refused("'Issued at' claim ('iat') must be an Integer in the past", status=401)


def allows(permissions: Mapping[str, str], key: str, level: object) -> bool:
    """Whether ``permissions`` have ``key`` at that level or above."""
    given = permissions.get(key)
    return given is not None and level in LEVELS and LEVELS.index(given) >= LEVELS.index(str(level))
