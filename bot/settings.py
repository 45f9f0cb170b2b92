"""The environment, read once into frozen settings; everything wrong in it is told at once, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from bot.errors import Refusal


class LogFormat(StrEnum):
    """How log lines are written."""

    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """Who Countersign is on GitHub."""

    app_id: int
    private_key_pem: str = field(repr=False)


def _is_http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in url or parts.query or parts.fragment:
        raise ValueError("is no address of the form https://host/path")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_is_http)]


class _Environment(BaseModel):
    """The names of the environment and what each may be."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    GITHUB_APP_ID: int | None = Field(default=None, gt=0)
    GITHUB_PRIVATE_KEY: SecretStr | None = None
    GITHUB_PRIVATE_KEY_FILE: Path | None = None
    GITHUB_WEBHOOK_SECRET: SecretStr = SecretStr("")
    GITHUB_API_URL: Url = "https://api.github.com"
    GITHUB_WEB_URL: Url = "https://github.com"
    DATABASE_URL: SecretStr | None = None
    HOST: str = "127.0.0.1"
    PORT: int = Field(default=8080, ge=0, le=65535)
    PUBLIC_URL: Url | None = None
    DATA_DIR: Path = Path("var")
    POLICY_REPOSITORY: str = Field(default=".github", pattern=r"^[A-Za-z0-9._-]{1,100}$")
    LOG_FORMAT: LogFormat | None = None
    WORKER_CONCURRENCY: int = Field(default=8, ge=1, le=100)
    KEEP_DELIVERIES_DAYS: int = Field(default=30, ge=1, le=3650)

    @field_validator("GITHUB_PRIVATE_KEY_FILE")
    @classmethod
    def _readable(cls, path: Path | None) -> Path | None:
        try:
            if path is not None:
                path.read_bytes()
        except OSError:
            raise ValueError("names no file that can be read") from None
        return path

    @field_validator("DATABASE_URL")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and urlsplit(url.get_secret_value()).scheme not in {"postgresql", "postgres"}:
            raise ValueError("is no address of the form postgresql://user:password@host/database")
        return url


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment decides. No secret shows in ``repr``.

    ``app`` is None until a GitHub App is named (setup mode); no ``webhook_secrets`` means that no delivery is accepted;
    ``database_url`` None means the embedded server in ``data_dir``. ``keep_deliveries`` is in days.
    """

    app: AppIdentity | None
    webhook_secrets: tuple[bytes, ...] = field(repr=False)
    api_url: str
    web_url: str
    database_url: str | None = field(repr=False)
    host: str
    port: int
    public_url: str
    data_dir: Path
    policy_repository: str
    log_format: LogFormat | None
    worker_concurrency: int
    keep_deliveries: int


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings from ``environment``; an empty value counts as not set.

    Raises:
        Refusal: one or more names are missing or malformed; all of them are told.

    """
    given = {name: value for name, value in environment.items() if value.strip()}
    problems: list[str] = []
    try:
        names = _Environment.model_validate(given)
    except ValidationError as error:
        problems += [_sentence(detail) for detail in error.errors()]
        broken = {str(detail["loc"][0]) for detail in error.errors()}
        names = _Environment.model_validate({name: value for name, value in given.items() if name not in broken})
        problems += _identity(names, broken)[1]
        raise _refusal(problems) from None
    identity, problems = _identity(names, set())
    if problems:
        raise _refusal(problems)
    return Settings(
        app=identity,
        webhook_secrets=_secrets(names.GITHUB_WEBHOOK_SECRET),
        api_url=names.GITHUB_API_URL,
        web_url=names.GITHUB_WEB_URL,
        database_url=names.DATABASE_URL.get_secret_value() if names.DATABASE_URL else None,
        host=names.HOST,
        port=names.PORT,
        public_url=names.PUBLIC_URL or f"http://{_in_url(names.HOST)}:{names.PORT}",
        data_dir=names.DATA_DIR,
        policy_repository=names.POLICY_REPOSITORY,
        log_format=names.LOG_FORMAT,
        worker_concurrency=names.WORKER_CONCURRENCY,
        keep_deliveries=names.KEEP_DELIVERIES_DAYS,
    )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _secrets(text: SecretStr) -> tuple[bytes, ...]:
    return tuple(part.strip().encode() for part in text.get_secret_value().split(",") if part.strip())


def _identity(names: _Environment, broken: set[str]) -> tuple[AppIdentity | None, list[str]]:
    """The App, or what is missing to name it."""
    sources = [names.GITHUB_PRIVATE_KEY, names.GITHUB_PRIVATE_KEY_FILE]
    if names.GITHUB_APP_ID is None and not any(sources):
        return None, []
    if all(sources):
        return None, ["GITHUB_PRIVATE_KEY and GITHUB_PRIVATE_KEY_FILE are both set; keep one."]
    problems = []
    if names.GITHUB_APP_ID is None and "GITHUB_APP_ID" not in broken:
        problems.append("GITHUB_APP_ID is missing, though a private key is set.")
    if not any(sources) and not broken & {"GITHUB_PRIVATE_KEY", "GITHUB_PRIVATE_KEY_FILE"}:
        problems.append("GITHUB_PRIVATE_KEY or GITHUB_PRIVATE_KEY_FILE is missing, though GITHUB_APP_ID is set.")
    pem = _pem(names)
    if pem and not _is_rsa(pem):
        problems.append("GITHUB_PRIVATE_KEY holds no RSA private key in PEM form.")
    if problems or names.GITHUB_APP_ID is None or pem is None:
        return None, problems
    return AppIdentity(names.GITHUB_APP_ID, pem), []


def _pem(names: _Environment) -> str | None:
    if names.GITHUB_PRIVATE_KEY_FILE is not None:
        return names.GITHUB_PRIVATE_KEY_FILE.read_text(encoding="utf-8", errors="replace")
    if names.GITHUB_PRIVATE_KEY is not None:
        # Platforms that keep one line per variable have the line ends as two characters.
        return names.GITHUB_PRIVATE_KEY.get_secret_value().replace("\\n", "\n")
    return None


def _is_rsa(pem: str) -> bool:
    try:
        return isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError):
        return False


def _sentence(detail: ErrorDetails) -> str:
    reason = detail["msg"].removeprefix("Value error, ")
    if not reason.startswith(("is ", "names ")):
        reason = f"is not valid: {reason[0].lower()}{reason[1:]}"
    return f"{detail['loc'][0]} {reason}."


def _refusal(problems: list[str]) -> Refusal:
    return Refusal(" ".join(sorted(problems)), remedy="config/settings.example.env explains every name.")
