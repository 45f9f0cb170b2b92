"""What ServiceNow's check for conflicts tells of a change: other changes, and blackout and maintenance schedules.

https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html
"""

from collections.abc import Mapping

from bot.changes.systems.errors import Unanswered
from bot.changes.systems.port import CheckState, Conflict, Conflicts
from bot.changes.systems.servicenow_fields import Row, moment, plain, shown

JOBS: Mapping[str, CheckState] = {
    "0": CheckState.RUNNING,
    "1": CheckState.RUNNING,
    "2": CheckState.DONE,
    "3": CheckState.FAILED,
    "4": CheckState.FAILED,
}
"""The states of a job there: pending, running, successful, failed, cancelled. Of any other nothing is concluded."""


def read_conflicts(answer: Row, ref: str) -> Conflicts:
    """What the check of the change ``ref`` has found.

    Its ``status`` says "Conflict" where there is none, too: the job, the moment and the list are what counts.
    """
    ran, found = moment(plain(answer.get("last_run"))), answer.get("conflicts")
    if ran is None:
        return Conflicts(CheckState.NOT_RUN)
    state = JOBS.get(plain(answer.get("job_status")), CheckState.RUNNING)
    if state is not CheckState.DONE:
        return Conflicts(state, ran)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Unanswered("a list of conflicts that can be read")
    return Conflicts(state, ran, tuple(Conflict(_words(each, "type"), _other(each, ref)) for each in found))


def _other(row: Row, ref: str) -> str:
    """What the window collides with: another change or a schedule, by the name that people see."""
    change = row.get("change")
    # A row of conflicts names the change that was checked, beside the one that is in its way.
    other = "" if plain(change) == ref else shown(change)
    return shown(row.get("conflicting_change")) or shown(row.get("schedule")) or other


def _words(row: Row, name: str) -> str:
    return shown(row.get(name)) or plain(row.get(name))
