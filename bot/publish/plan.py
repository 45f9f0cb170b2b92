"""The smallest list of effects that makes GitHub show what it should."""

from bot.publish.effects import ANNOTATIONS_AT_ONCE, CheckRunContent, CreateCheckRun, Effect, Published, UpdateCheckRun


def plan(wanted: CheckRunContent, published: Published | None) -> tuple[Effect, ...]:
    """Nothing when it shows already; else one effect for each 50 annotations that are still to be sent.

    Annotations cannot be taken back: a run that has sent some which are not wanted any more is followed by a new one.
    """
    if published is not None and published.digest == wanted.digest and not _unsent(wanted, published):
        return ()
    if published is None or published.annotations_sent > len(wanted.annotations):
        return (CreateCheckRun(wanted), *_further(wanted, ANNOTATIONS_AT_ONCE, None))
    if published.annotations_sent and published.digest != wanted.digest and wanted.annotations:
        # Which of the annotations there are the ones wanted now, nobody knows.
        return (CreateCheckRun(wanted), *_further(wanted, ANNOTATIONS_AT_ONCE, None))
    sent = published.annotations_sent
    first = wanted.annotations[sent : sent + ANNOTATIONS_AT_ONCE]
    return (
        UpdateCheckRun(published.check_run_id, wanted, first),
        *_further(wanted, sent + ANNOTATIONS_AT_ONCE, published.check_run_id),
    )


def _unsent(wanted: CheckRunContent, published: Published) -> bool:
    return published.annotations_sent < len(wanted.annotations)


NEW_RUN = 0
"""Stands for the run that the first effect of a plan makes."""


def _further(wanted: CheckRunContent, start: int, check_run_id: int | None) -> tuple[UpdateCheckRun, ...]:
    rest = wanted.annotations[start:]
    batches = [rest[index : index + ANNOTATIONS_AT_ONCE] for index in range(0, len(rest), ANNOTATIONS_AT_ONCE)]
    return tuple(UpdateCheckRun(check_run_id or NEW_RUN, wanted, batch) for batch in batches)
