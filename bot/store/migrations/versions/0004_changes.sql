-- The last number that was given to a change record, year by year. The row is locked until the transaction ends: no number
-- is given twice, and one that is rolled back is given again.
CREATE TABLE change_number (
    year int PRIMARY KEY,
    last int NOT NULL CHECK (last > 0)
);
CREATE FUNCTION change_next_number(in_year int) RETURNS int LANGUAGE sql AS $$
    INSERT INTO change_number (year, last) VALUES (in_year, 1)
    ON CONFLICT (year) DO UPDATE SET last = change_number.last + 1
    RETURNING last
$$;

-- Change records. body is canonical JSON of the whole record but for its votes; the columns beside it are what is asked for
-- in queries, taken from it.
--   version       grows with every transition: who has read an older one cannot write
--   planned       the window that it is planned in
--   deadline      when the board should have decided
--   review_due    when an emergency should have been reviewed; NULL when it is no emergency or has been
--   authorised_at when it was authorised; nothing is scheduled or made without
CREATE TABLE change (
    number             text        PRIMARY KEY,
    year               int         NOT NULL,
    sequence           int         NOT NULL CHECK (sequence > 0),
    subject            text        NOT NULL,
    state              text        NOT NULL CHECK (
        state IN ('draft', 'assess', 'authorize', 'scheduled', 'implement', 'review', 'closed', 'cancelled')
    ),
    kind               text        NOT NULL CHECK (kind IN ('standard', 'normal', 'emergency')),
    application        text        NOT NULL,
    configuration_item text        NOT NULL,
    planned            tstzrange,
    deadline           timestamptz,
    review_due         timestamptz,
    authorised_at      timestamptz,
    version            int         NOT NULL CHECK (version > 0),
    opened_at          timestamptz NOT NULL,
    body               bytea       NOT NULL,
    UNIQUE (year, sequence),
    CHECK (number = format('CHG-%s-%s', year, lpad(sequence::text, greatest(4, length(sequence::text)), '0'))),
    CONSTRAINT change_is_authorised CHECK (
        state NOT IN ('scheduled', 'implement', 'review', 'closed') OR authorised_at IS NOT NULL
    )
);
-- One open record for each subject.
CREATE UNIQUE INDEX change_open ON change (subject) WHERE state NOT IN ('closed', 'cancelled');
CREATE INDEX change_by_subject ON change (subject, opened_at DESC);
CREATE INDEX change_by_application ON change (application, opened_at DESC);
CREATE INDEX change_planned ON change USING gist (planned) WHERE state NOT IN ('closed', 'cancelled');
CREATE INDEX change_on_agenda ON change (deadline) WHERE state = 'authorize' AND deadline IS NOT NULL;
CREATE INDEX change_review_due ON change (application, review_due) WHERE review_due IS NOT NULL;

-- What happened to a change: who, what, when, why. Nothing here is ever changed.
CREATE TABLE transition (
    number  text        NOT NULL REFERENCES change,
    version int         NOT NULL,
    act     text        NOT NULL,
    before  text        NOT NULL,
    after   text        NOT NULL,
    actor   jsonb,
    why     text        NOT NULL CHECK (why <> ''),
    at      timestamptz NOT NULL,
    PRIMARY KEY (number, version)
);

-- What members of the board said. A vote is changed by another one after it.
CREATE TABLE vote (
    number  text        NOT NULL,
    version int         NOT NULL,
    voter   jsonb       NOT NULL,
    choice  text        NOT NULL CHECK (choice IN ('approve', 'reject', 'defer')),
    reason  text        NOT NULL,
    diff    text        NOT NULL,
    round   int         NOT NULL CHECK (round > 0),
    at      timestamptz NOT NULL,
    PRIMARY KEY (number, version),
    FOREIGN KEY (number, version) REFERENCES transition
);

-- That a finding of a subject does not block until a moment. Only its end can be brought forward, once.
CREATE TABLE waiver (
    id         uuid        PRIMARY KEY,
    subject    text        NOT NULL,
    finding    text        NOT NULL CHECK (finding <> ''),
    reason     text        NOT NULL CHECK (reason <> ''),
    asked_by   jsonb       NOT NULL,
    granted_by jsonb       NOT NULL,
    granted_at timestamptz NOT NULL,
    until      timestamptz NOT NULL CHECK (until > granted_at),
    revoked_at timestamptz,
    revoked_by jsonb,
    CONSTRAINT waiver_is_granted_by_another CHECK (asked_by -> 'id' <> granted_by -> 'id'),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX waiver_by_subject ON waiver (subject, until);

CREATE FUNCTION change_history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of a change can only be appended to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER transition_is_kept BEFORE UPDATE OR DELETE ON transition
    FOR EACH ROW EXECUTE FUNCTION change_history_is_append_only();
CREATE TRIGGER transition_is_never_emptied BEFORE TRUNCATE ON transition
    FOR EACH STATEMENT EXECUTE FUNCTION change_history_is_append_only();
CREATE TRIGGER vote_is_kept BEFORE UPDATE OR DELETE ON vote
    FOR EACH ROW EXECUTE FUNCTION change_history_is_append_only();
CREATE TRIGGER vote_is_never_emptied BEFORE TRUNCATE ON vote
    FOR EACH STATEMENT EXECUTE FUNCTION change_history_is_append_only();
CREATE TRIGGER waiver_is_kept BEFORE DELETE ON waiver
    FOR EACH ROW EXECUTE FUNCTION change_history_is_append_only();

GRANT SELECT, INSERT, UPDATE ON change_number TO countersign_app;
-- What a record is about, and its number, stay.
GRANT SELECT, INSERT, UPDATE (
    state, kind, application, configuration_item, planned, deadline, review_due, authorised_at, version, body
) ON change TO countersign_app;
GRANT SELECT, INSERT ON transition, vote TO countersign_app;
GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by) ON waiver TO countersign_app;
