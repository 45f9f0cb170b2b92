-- What was read from GitHub and is still believed. A row is worth something only while it is young and nothing that it
-- concerns has changed since it was read (table staleness).
CREATE TABLE known (
    key      text        PRIMARY KEY,
    concerns text[]      NOT NULL,
    value    jsonb       NOT NULL,
    read_at  timestamptz NOT NULL
);

-- Policy files by content: a git blob never changes, so what was read once is never read again.
CREATE TABLE policy_file (
    blob    text NOT NULL,
    origin  text NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (blob, origin)
);

-- The last version of each policy file that could be used.
CREATE TABLE policy_in_force (
    origin text        PRIMARY KEY,
    blob   text        NOT NULL,
    since  timestamptz NOT NULL,
    FOREIGN KEY (blob, origin) REFERENCES policy_file (blob, origin)
);

-- Facts and policies by the digest of their canonical form: stored once, however many decisions rest on them.
CREATE TABLE facts (
    digest text  PRIMARY KEY,
    body   bytea NOT NULL
);
CREATE TABLE policy (
    digest text  PRIMARY KEY,
    body   bytea NOT NULL
);

-- Every decision that differed from the one before it. passes and enforced are without what is said about siblings (open
-- pull requests with the same head); siblings is what was known of theirs, by number.
CREATE TABLE decision (
    id         uuid        PRIMARY KEY,
    subject    text        NOT NULL,
    head       text        NOT NULL,
    verdict    text        NOT NULL,
    facts      text        NOT NULL REFERENCES facts,
    policy     text        NOT NULL REFERENCES policy,
    passes     boolean     NOT NULL,
    enforced   boolean     NOT NULL,
    siblings   jsonb       NOT NULL,
    decided_at timestamptz NOT NULL,
    body       bytea       NOT NULL
);
CREATE INDEX decision_by_subject ON decision (subject, decided_at DESC);

-- What stands on GitHub, as far as we know: one row for each subject and head commit.
-- pending holds the marker of an effect whose outcome is not on record yet.
CREATE TABLE published (
    subject          text        NOT NULL,
    head             text        NOT NULL,
    check_run_id     bigint,
    digest           text        NOT NULL DEFAULT '',
    annotations_sent int         NOT NULL DEFAULT 0,
    status           text        NOT NULL DEFAULT '',
    pending          text,
    published_at     timestamptz,
    PRIMARY KEY (subject, head)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON known, policy_in_force, published TO countersign_app;
GRANT SELECT, INSERT ON policy_file, facts, policy, decision TO countersign_app;

-- Answers to people: one comment for each request at the most. comment_id is NULL while the outcome is not on record.
CREATE TABLE reply (
    request     bigint      PRIMARY KEY REFERENCES request,
    intended_at timestamptz NOT NULL,
    comment_id  bigint
);
GRANT SELECT, INSERT, UPDATE ON reply TO countersign_app;
