-- What is to be said in a comment of what happened to a change, once: written with the transition that it tells of.
--   state, round  the change's: it is said while they are that
--   called        the teams and accounts that it mentions
--   intended_at   set before it is said: after a crash it is looked for before it is said again
--   dropped_at    when it was found that what it says had been overtaken
CREATE TABLE announcement (
    number      text        NOT NULL,
    version     int         NOT NULL,
    state       text        NOT NULL,
    round       int         NOT NULL,
    called      text[]      NOT NULL,
    text        text        NOT NULL CHECK (text <> ''),
    at          timestamptz NOT NULL,
    intended_at timestamptz,
    comment_id  bigint,
    dropped_at  timestamptz,
    PRIMARY KEY (number, version),
    FOREIGN KEY (number, version) REFERENCES transition,
    CHECK (comment_id IS NULL OR dropped_at IS NULL)
);
CREATE INDEX announcement_open ON announcement (number) WHERE comment_id IS NULL AND dropped_at IS NULL;
GRANT SELECT, INSERT, UPDATE (intended_at, comment_id, dropped_at) ON announcement TO countersign_app;

-- The review that a vote was given by, and that such a vote was withdrawn, since its review does not stand any more.
ALTER TABLE vote ADD COLUMN review bigint;
ALTER TABLE vote DROP CONSTRAINT vote_choice_check;
ALTER TABLE vote ADD CHECK (choice IN ('approve', 'reject', 'defer', 'withdraw'));
-- A review gives its vote once in a round, and takes it back once.
CREATE UNIQUE INDEX vote_by_review ON vote (number, round, review, choice) WHERE review IS NOT NULL;
