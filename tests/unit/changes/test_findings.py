"""What a record says of its change on the check run, beside where it stands."""

from bot.changes.findings import elsewhere
from bot.changes.model import Elsewhere


def test_what_is_told_of_the_record_elsewhere_waits_only_where_it_has_to() -> None:
    assert elsewhere(None) == ()
    [told] = elsewhere(Elsewhere("In ServiceNow, the record is CHG0030001.", waits=False))
    assert (told.verdict, told.what, told.why) == ("pass", "In ServiceNow, the record is CHG0030001.", "")
    [told] = elsewhere(Elsewhere("In ServiceNow, the record is not there yet.", waits=True))
    assert (told.verdict, told.why) == (
        "wait",
        "A change is released when the system that keeps its record says so, too.",
    )
