"""What is raised on purpose: waited for, or shown to a person. Whatever else is raised is a defect of ours.

A defect is logged under an incident; people are shown the incident, never the details.
"""

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
