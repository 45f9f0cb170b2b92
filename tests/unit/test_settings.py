from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.errors import Refusal
from bot.settings import JiraAccess, ServiceNowAccess, load

EXAMPLE = Path(__file__).parents[2] / "config/settings.example.env"
OAUTH = {
    "SERVICENOW_URL": "https://bank.service-now.com/",
    "SERVICENOW_CLIENT_ID": "3f1c6a58",
    "SERVICENOW_CLIENT_SECRET": "s3cret-one",
}
PASSWORD = {
    "SERVICENOW_URL": "https://bank.service-now.com",
    "SERVICENOW_USERNAME": "svc countersign",
    "SERVICENOW_PASSWORD": "s3cret:two",
}
JIRA = {
    "JIRA_URL": "https://bank.atlassian.net",
    "JIRA_USER": "svc@bank.example",
    "JIRA_TOKEN": "s3cret-three",
    "JIRA_SERVICE_DESK": "3",
}


def problems(**environment: str) -> str:
    """What is wrong with an environment."""
    with pytest.raises(Refusal) as refused:
        load(environment)
    assert refused.value.remedy == "config/settings.example.env explains every name."
    return refused.value.what


def test_nothing_is_needed_to_start() -> None:
    settings = load({"SERVICENOW_URL": " ", "JIRA_TOKEN": ""})
    assert (settings.app, settings.servicenow, settings.jira) == (None, None, None)
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")


def test_systems_of_records_are_reached_in_each_of_their_ways() -> None:
    settings = load({**OAUTH, **JIRA})
    assert settings.servicenow == ServiceNowAccess("https://bank.service-now.com", "3f1c6a58", "s3cret-one")
    assert settings.jira == JiraAccess("https://bank.atlassian.net", "svc@bank.example", "s3cret-three", "3")
    assert load(PASSWORD).servicenow == ServiceNowAccess(
        "https://bank.service-now.com", username="svc countersign", password="s3cret:two"
    )


def test_no_secret_shows() -> None:
    for environment in ({**OAUTH, **JIRA}, PASSWORD):
        assert "s3cret" not in repr(load(environment))


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            {"SERVICENOW_URL": OAUTH["SERVICENOW_URL"]},
            (
                "SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET (or SERVICENOW_USERNAME and SERVICENOW_PASSWORD) are "
                "missing, though SERVICENOW_URL is set."
            ),
        ),
        (
            {name: OAUTH[name] for name in ("SERVICENOW_CLIENT_ID", "SERVICENOW_CLIENT_SECRET")},
            "SERVICENOW_URL is missing, though an account for it is set.",
        ),
        (
            {name: OAUTH[name] for name in ("SERVICENOW_URL", "SERVICENOW_CLIENT_ID")},
            "SERVICENOW_CLIENT_SECRET is missing, though SERVICENOW_CLIENT_ID is set.",
        ),
        (
            {name: PASSWORD[name] for name in ("SERVICENOW_URL", "SERVICENOW_PASSWORD")},
            "SERVICENOW_USERNAME is missing, though SERVICENOW_PASSWORD is set.",
        ),
        (
            {**OAUTH, **PASSWORD},
            "SERVICENOW_CLIENT_ID and SERVICENOW_USERNAME are both set; keep one, with its secret.",
        ),
        (
            {"JIRA_URL": JIRA["JIRA_URL"]},
            (
                "JIRA_SERVICE_DESK is missing, though JIRA_URL is set. JIRA_TOKEN is missing, though JIRA_URL is set. "
                "JIRA_USER is missing, though JIRA_URL is set."
            ),
        ),
        (
            {"JIRA_SERVICE_DESK": "3", **{k: JIRA[k] for k in ("JIRA_USER", "JIRA_TOKEN")}},
            "JIRA_URL is missing, though JIRA_USER is set.",
        ),
    ],
)
def test_what_is_missing_is_told_by_name(environment: dict[str, str], told: str) -> None:
    assert problems(**environment) == told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICENOW_URL", "bank.service-now.com"),
        ("SERVICENOW_URL", "http://bank.service-now.com"),
        ("SERVICENOW_URL", "https://user:word@bank.service-now.com"),
        ("SERVICENOW_CLIENT_ID", "two words"),
        ("JIRA_URL", "ftp://bank.atlassian.net"),
        ("JIRA_URL", "http://127.0.0.1.evil.example"),
        ("JIRA_USER", "a:b"),
        ("JIRA_USER", "a\r\nX-Evil: 1"),
        ("JIRA_SERVICE_DESK", "CHG"),
        ("JIRA_SERVICE_DESK", "3/../4"),
    ],
)
def test_what_is_malformed_is_told_without_its_value(name: str, value: str) -> None:
    told = problems(**{**OAUTH, **JIRA, name: value})
    assert told.startswith(f"{name} is ")
    assert told.count(". ") == 0
    assert value not in told


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8081", "[::1]:8081"])
def test_a_system_on_this_machine_may_be_asked_without_encryption(host: str) -> None:
    settings = load({**PASSWORD, "SERVICENOW_URL": f"http://{host}"})
    assert settings.servicenow is not None
    assert settings.servicenow.url == f"http://{host}"


def test_everything_wrong_is_told_at_once() -> None:
    told = problems(
        PORT="many",
        GITHUB_APP_ID="4711",
        SERVICENOW_URL="nowhere",
        JIRA_TOKEN="s3cret-three",
        DATABASE_URL="mysql://u:s3cret@h/d",
        GITHUB_PRIVATE_KEY_FILE="/nowhere/at/all",
    )
    for name in ("PORT", "SERVICENOW_URL", "SERVICENOW_CLIENT_ID", "JIRA_URL", "JIRA_USER", "DATABASE_URL"):
        assert f"{name} " in told
    assert "GITHUB_PRIVATE_KEY_FILE names no file that can be read." in told
    assert "s3cret" not in told


def test_the_app_is_named_whole_or_not_at_all(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    file = tmp_path / "key.pem"
    file.write_text(pem)
    for source in ({"GITHUB_PRIVATE_KEY": pem.replace("\n", "\\n")}, {"GITHUB_PRIVATE_KEY_FILE": str(file)}):
        app = load({"GITHUB_APP_ID": "4711", **source}).app
        assert app is not None
        assert (app.app_id, app.private_key_pem) == (4711, pem)
        assert "PRIVATE" not in repr(app)
        assert problems(**source) == "GITHUB_APP_ID is missing, though a private key is set."
    assert "is missing, though GITHUB_APP_ID" in problems(GITHUB_APP_ID="4711")
    both = {"GITHUB_PRIVATE_KEY": pem, "GITHUB_PRIVATE_KEY_FILE": str(file)}
    assert problems(GITHUB_APP_ID="4711", **both).endswith("are both set; keep one.")
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in ("no key", other.decode()):
        assert problems(GITHUB_APP_ID="4711", GITHUB_PRIVATE_KEY=text).endswith("no RSA private key in PEM form.")


def test_the_rest() -> None:
    settings = load(
        {
            "HOST": "::1",
            "PORT": "0",
            "GITHUB_WEBHOOK_SECRET": "new, old,",
            "DATABASE_URL": "postgresql://u:s3cret@h/d",
            "LOG_FORMAT": "json",
        }
    )
    assert settings.public_url == "http://[::1]:0"
    assert settings.webhook_secrets == (b"new", b"old")
    assert settings.database_url == "postgresql://u:s3cret@h/d"
    assert "s3cret" not in repr(settings)
    assert "b'new'" not in repr(settings)


def test_the_example_names_every_system_and_is_valid() -> None:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    environment = dict(line.split("=", 1) for line in lines)
    assert set(OAUTH) | set(PASSWORD) | set(JIRA) <= set(environment)
    assert load(environment).servicenow is None
