-- What was released and nobody had authorised: it is found by this, and never counts as authorised.
ALTER TABLE change ADD COLUMN unauthorised boolean NOT NULL DEFAULT false;
ALTER TABLE change ADD CONSTRAINT change_without_authorisation_is_cancelled CHECK (
    NOT unauthorised OR (state = 'cancelled' AND authorised_at IS NULL)
);
CREATE INDEX change_unauthorised ON change (opened_at DESC, sequence DESC) WHERE unauthorised;
GRANT UPDATE (unauthorised) ON change TO countersign_app;

-- A record can be closed in the other system, too.
ALTER TABLE change_heard DROP CONSTRAINT change_heard_deed_check;
ALTER TABLE change_heard ADD CONSTRAINT change_heard_deed_check CHECK (
    deed IN ('approve', 'reject', 'rejected', 'cancel', 'schedule', 'close')
);
