"""The three kinds of error: waited for, shown to a person, and ours."""

from datetime import datetime


class CountersignError(Exception):
    """Anything that Countersign raises on purpose."""


class Transient(CountersignError):
    """It did not work now and will be tried again.

    ``waits_for`` completes the sentence "Countersign waits for …"; ``until`` is the earliest moment at which trying
    again makes sense, or None when only backing off helps.
    """

    def __init__(self, waits_for: str, *, until: datetime | None = None) -> None:
        super().__init__(waits_for if until is None else f"{waits_for} until {until:%Y-%m-%d %H:%M:%S} UTC")
        self.waits_for = waits_for
        self.until = until


class Refusal(CountersignError):
    """It may not be done, and trying again changes nothing until a person acts.

    ``what`` is one sentence for that person; ``remedy`` says who can fix it, and how.
    """

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class Defect(CountersignError):
    """Countersign, or an answer that it got, is not what its code believes.

    ``incident`` finds the log line; people are shown the incident, never the details.
    """

    def __init__(self, what: str, *, incident: str) -> None:
        super().__init__(f"{what} (incident {incident})")
        self.what = what
        self.incident = incident
