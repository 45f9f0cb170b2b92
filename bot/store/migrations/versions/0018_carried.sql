-- Where on the pages of the repository a vote stands; empty for one that was heard from another system, or given before.
ALTER TABLE vote ADD COLUMN place text NOT NULL DEFAULT '';

-- A vote that is written into an approval of the record's twin, in the name of who gave it: noted before it is sent.
--   round    the round of asking in which it was given
--   problem  why that system did not take it, in its words
--   done_at  when it was seen there
CREATE TABLE change_carried (
    change   text        NOT NULL REFERENCES change (number),
    approval text        NOT NULL,
    round    int         NOT NULL,
    voter    jsonb       NOT NULL,
    state    text        NOT NULL CHECK (state IN ('approved', 'rejected')),
    words    text        NOT NULL,
    problem  text        NOT NULL DEFAULT '',
    noted_at timestamptz NOT NULL,
    done_at  timestamptz,
    PRIMARY KEY (change, approval)
);
GRANT SELECT, INSERT, UPDATE (problem, done_at) ON change_carried TO countersign_app;
