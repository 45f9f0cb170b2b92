"""Change records: what is to be changed, who asked, who authorised it, and what came of it.

How the parts are used together, at every look at a subject:

1. ``register.open_of`` gives the open record of the subject, ``register.open_record`` makes one.
2. ``fill.contents_of`` (or ``fill.release_of``) says what the record should say now. It is told what the record knows:
   ``emergency=change.emergency is not None`` and ``planned=change.contents.window``. ``lifecycle.noticed`` makes an
   event of what differs: a push that changes the diff takes the record back, a clean rebase does not.
3. What people did (asked, voted, declared, cancelled) are events, too. ``lifecycle.apply`` answers with the change and
   the transition, or with the reason why not. ``lifecycle.advance`` does what Countersign does by itself.
4. ``register.keep`` writes each transition in the caller's transaction, with what is to be announced of it
   (``announcements``, ``outbox``), and gives the entry for the ledger, which the caller appends last.
5. ``announce.announce`` says what waits to be said, at the end of the look: each thing once, to those who have to act.
6. ``lifecycle.wakes_at`` is when time alone makes another look necessary.

``findings.said_of`` says what the check run shows of the record; ``waivers.waived`` turns what was waived. The state
machine is one table in ``lifecycle``: ``guards`` has what must hold, ``effects`` what happens besides, ``context`` what
both depend on. Nothing else moves a record.
"""
