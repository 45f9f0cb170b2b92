"""The App's own token: a JWT signed with a key that is parsed once.

Parsing a PEM costs some 40 ms of the event loop, signing with the parsed key a third of one.
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.clock import Clock
from bot.errors import Refusal

BACKDATED = timedelta(seconds=60)
LIFETIME = timedelta(minutes=9)
RENEWED = timedelta(seconds=60)


@dataclass(slots=True)
class AppTokens:
    """Signs the App's tokens, and gives out each for as long as it lives."""

    app_id: int
    private_key_pem: str = field(repr=False)
    clock: Clock
    _key: RSAPrivateKey = field(init=False, repr=False)
    _token: str = field(init=False, default="", repr=False)
    _expires: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Parse the key.

        Raises:
            Refusal: it is no RSA private key.

        """
        try:
            key = load_pem_private_key(self.private_key_pem.encode(), password=None)
        except (ValueError, TypeError) as error:
            raise Refusal(
                "The App's private key cannot be read.", remedy="Give the PEM file that GitHub made."
            ) from error
        if not isinstance(key, RSAPrivateKey):
            raise Refusal("The App's private key is not an RSA key.", remedy="Give the PEM file that GitHub made.")
        self._key = key

    def token(self) -> str:
        """A token that GitHub accepts for another minute at least."""
        now = self.clock()
        # Longer than its life: the machine's clock was set back, and GitHub takes no token from the future.
        if self._expires is None or not RENEWED <= self._expires - now <= LIFETIME:
            issued = now - BACKDATED
            self._expires = now + LIFETIME
            claims = {"iss": str(self.app_id), "iat": int(issued.timestamp()), "exp": int(self._expires.timestamp())}
            self._token = jwt.encode(claims, self._key, algorithm="RS256")
        return self._token
