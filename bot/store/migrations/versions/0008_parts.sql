-- The pull requests of a change: the one that it was opened for, and those that joined it to ship together.
--   body is canonical JSON of what its last look saw; NULL until it is looked at
--   open is as long as the record is
CREATE TABLE change_part (
    change    text        NOT NULL REFERENCES change (number),
    subject   text        NOT NULL,
    joined_at timestamptz NOT NULL,
    open      boolean     NOT NULL DEFAULT true,
    body      bytea,
    PRIMARY KEY (change, subject)
);
-- One open record for each pull request, whether it was opened for that or joined by it.
CREATE UNIQUE INDEX change_part_open ON change_part (subject) WHERE open;
CREATE INDEX change_part_by_subject ON change_part (subject, open DESC, joined_at DESC);

INSERT INTO change_part (change, subject, joined_at, open)
SELECT number, subject, opened_at, state NOT IN ('closed', 'cancelled') FROM change;

DROP INDEX change_open;
DROP INDEX change_by_subject;

GRANT SELECT, INSERT, UPDATE (open, body, joined_at), DELETE ON change_part TO countersign_app;

-- The record there that somebody asked to have in place of the one that Countersign made, until that is so or refused.
--   refused  why the last such wish could not be fulfilled
ALTER TABLE change_link ADD COLUMN adopt text, ADD COLUMN refused text NOT NULL DEFAULT '';
-- A record there is that of one change here.
CREATE UNIQUE INDEX change_link_is_of_one ON change_link (system, id);

-- The commands of a request are done one after the other: how many are, what there is to say of them, and whether one of
-- them was refused.
ALTER TABLE request
    ADD COLUMN done    int     NOT NULL DEFAULT 0,
    ADD COLUMN replies jsonb   NOT NULL DEFAULT '[]',
    ADD COLUMN refused boolean NOT NULL DEFAULT false;
GRANT UPDATE (done, replies, refused) ON request TO countersign_app;
