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


@dataclass(frozen=True, slots=True)
class ServiceNowAccess:
    """A ServiceNow instance, and how to ask it: as an OAuth client, or, when ``client_id`` is empty, by name."""

    url: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class JiraAccess:
    """A site of Jira Service Management, who asks it, and the service desk (its id) that keeps the changes."""

    url: str
    user: str
    token: str = field(repr=False)
    service_desk: str


def _is_http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in url or parts.query or parts.fragment:
        raise ValueError("is no address of the form https://host/path")
    return url.rstrip("/")


def _is_secure(url: str) -> str:
    if url.startswith("http://") and urlsplit(url).hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("is no address of the form https://host/path, and credentials are sent there")
    return url


_HEADER_SAFE = r"^[!-~]*$"
_USER = r"^[^:\x00-\x1f]*$"
"""A colon would end the name in what is sent (RFC 7617, section 2)."""

Url = Annotated[str, AfterValidator(_is_http)]
SecureUrl = Annotated[Url, AfterValidator(_is_secure)]


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
    SERVICENOW_URL: SecureUrl | None = None
    SERVICENOW_CLIENT_ID: str = Field(default="", pattern=_HEADER_SAFE)
    SERVICENOW_CLIENT_SECRET: SecretStr = SecretStr("")
    SERVICENOW_USERNAME: str = Field(default="", pattern=_USER)
    SERVICENOW_PASSWORD: SecretStr = SecretStr("")
    JIRA_URL: SecureUrl | None = None
    JIRA_USER: str = Field(default="", pattern=_USER)
    JIRA_TOKEN: SecretStr = SecretStr("")
    JIRA_SERVICE_DESK: str = Field(default="", pattern=r"^[0-9]*$")
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
    ``database_url`` None means the embedded server in ``data_dir``; ``servicenow`` and ``jira`` None: no records
    are kept there. ``keep_deliveries`` is in days.
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
    servicenow: ServiceNowAccess | None = None
    jira: JiraAccess | None = None


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings from ``environment``; an empty value counts as not set.

    Raises:
        Refusal: one or more names are missing or malformed; all of them are told.

    """
    given = {name: value for name, value in environment.items() if value.strip()}
    problems: list[str] = []
    broken: set[str] = set()
    try:
        names = _Environment.model_validate(given)
    except ValidationError as error:
        problems += [_sentence(detail) for detail in error.errors()]
        broken = {str(detail["loc"][0]) for detail in error.errors()}
        names = _Environment.model_validate({name: value for name, value in given.items() if name not in broken})
    identity, missing = _identity(names, broken)
    problems += missing + _incomplete(set(given))
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
        servicenow=_servicenow(names),
        jira=_jira(names),
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


_OAUTH = ("SERVICENOW_CLIENT_ID", "SERVICENOW_CLIENT_SECRET")
_PASSWORD = ("SERVICENOW_USERNAME", "SERVICENOW_PASSWORD")
_JIRA = ("JIRA_URL", "JIRA_USER", "JIRA_TOKEN", "JIRA_SERVICE_DESK")


def _incomplete(given: set[str]) -> list[str]:
    """What is missing to reach a system of change records of which something is named."""
    problems = _missing(_JIRA, given)
    if not given & {"SERVICENOW_URL", *_OAUTH, *_PASSWORD}:
        return problems
    if given >= {*_OAUTH} and given >= {*_PASSWORD}:
        problems.append("SERVICENOW_CLIENT_ID and SERVICENOW_USERNAME are both set; keep one, with its secret.")
    elif not given & {*_OAUTH, *_PASSWORD}:
        problems.append(
            "SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET (or SERVICENOW_USERNAME and SERVICENOW_PASSWORD) are "
            "missing, though SERVICENOW_URL is set."
        )
    if "SERVICENOW_URL" not in given:
        problems.append("SERVICENOW_URL is missing, though an account for it is set.")
    return [*problems, *_missing(_OAUTH, given), *_missing(_PASSWORD, given)]


def _missing(together: tuple[str, ...], given: set[str]) -> list[str]:
    """Those of names that belong together that are not given, while others are."""
    there = [name for name in together if name in given]
    return [f"{name} is missing, though {there[0]} is set." for name in together if there and name not in given]


def _servicenow(names: _Environment) -> ServiceNowAccess | None:
    if names.SERVICENOW_URL is None:
        return None
    return ServiceNowAccess(
        names.SERVICENOW_URL,
        names.SERVICENOW_CLIENT_ID,
        names.SERVICENOW_CLIENT_SECRET.get_secret_value(),
        names.SERVICENOW_USERNAME,
        names.SERVICENOW_PASSWORD.get_secret_value(),
    )


def _jira(names: _Environment) -> JiraAccess | None:
    if names.JIRA_URL is None:
        return None
    return JiraAccess(names.JIRA_URL, names.JIRA_USER, names.JIRA_TOKEN.get_secret_value(), names.JIRA_SERVICE_DESK)


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
