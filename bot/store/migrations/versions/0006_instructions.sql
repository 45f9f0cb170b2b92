-- What people laid down for a change in comments: the latest of a kind holds, and nothing here is ever changed.
CREATE TABLE instruction (
    id      bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    subject text        NOT NULL,
    kind    text        NOT NULL,
    value   text        NOT NULL,
    by      jsonb       NOT NULL,
    reason  text        NOT NULL,
    request bigint      NOT NULL REFERENCES request,
    at      timestamptz NOT NULL
);
CREATE INDEX instruction_by_subject ON instruction (subject, kind, id DESC);

-- Waivers that somebody asked for, until somebody else grants or denies them.
CREATE TABLE waiver_request (
    id       bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    subject  text        NOT NULL,
    finding  text        NOT NULL CHECK (finding <> ''),
    reason   text        NOT NULL CHECK (reason <> ''),
    until    timestamptz NOT NULL,
    by       jsonb       NOT NULL,
    request  bigint      NOT NULL REFERENCES request,
    at       timestamptz NOT NULL,
    answer   text        CHECK (answer IN ('granted', 'denied')),
    answered jsonb
);
CREATE INDEX waiver_request_open ON waiver_request (subject, id) WHERE answer IS NULL;

-- The record of a change in another system: where it is, what was last sent there, and what was last read there.
--   intended is set before anything is sent; id is what the system answered; version is the record's that was sent last
CREATE TABLE change_link (
    change   text        PRIMARY KEY REFERENCES change (number),
    system   text        NOT NULL,
    intended timestamptz NOT NULL,
    id       text,
    number   text,
    url      text,
    sent     text        NOT NULL DEFAULT '',
    state    text        NOT NULL DEFAULT '',
    version  int         NOT NULL DEFAULT 0,
    problem  text        NOT NULL DEFAULT '',
    read_at  timestamptz
);

-- What people did in the other system, once each: it is done here by the next look, which notes what came of it.
--   login is whom the policy says that they are here; NULL for somebody who is nobody here
CREATE TABLE change_heard (
    id      bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    change  text        NOT NULL REFERENCES change (number),
    mark    text        NOT NULL,
    deed    text        NOT NULL CHECK (deed IN ('approve', 'reject', 'cancel', 'schedule')),
    who     text        NOT NULL,
    login   text,
    value   text        NOT NULL DEFAULT '',
    at      timestamptz NOT NULL,
    outcome text,
    UNIQUE (change, mark)
);
CREATE INDEX change_heard_open ON change_heard (change, id) WHERE outcome IS NULL;

CREATE FUNCTION instruction_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was laid down can only be appended to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER instruction_is_kept BEFORE UPDATE OR DELETE ON instruction
    FOR EACH ROW EXECUTE FUNCTION instruction_is_append_only();
CREATE TRIGGER instruction_is_never_emptied BEFORE TRUNCATE ON instruction
    FOR EACH STATEMENT EXECUTE FUNCTION instruction_is_append_only();

GRANT SELECT, INSERT ON instruction TO countersign_app;
GRANT SELECT, INSERT, UPDATE (answer, answered) ON waiver_request TO countersign_app;
GRANT SELECT, INSERT, UPDATE ON change_link TO countersign_app;
GRANT SELECT, INSERT, UPDATE (outcome) ON change_heard TO countersign_app;
