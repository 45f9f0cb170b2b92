CREATE FUNCTION is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% can only be appended to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- What went around the gate. repository_id 0 stands for every repository of the installation; reference is what makes
-- it one thing, however often it is told. Nothing here is ever changed.
CREATE TABLE unauthorised_change (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    installation_id bigint      NOT NULL,
    repository_id   bigint      NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('landing', 'history', 'tag', 'protection', 'impostor')),
    reference       text        NOT NULL,
    what            text        NOT NULL,
    actor_id        bigint,
    actor_login     text,
    actor_kind      text,
    happened_at     timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (installation_id, repository_id, kind, reference)
);
CREATE INDEX unauthorised_change_by_repository ON unauthorised_change (repository_id, id);
CREATE TRIGGER unauthorised_change_is_kept BEFORE UPDATE OR DELETE ON unauthorised_change
    FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER unauthorised_change_is_never_emptied BEFORE TRUNCATE ON unauthorised_change
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();

-- Who answered for it, and with which words.
CREATE TABLE unauthorised_acknowledgement (
    change      bigint      PRIMARY KEY REFERENCES unauthorised_change,
    actor_id    bigint      NOT NULL,
    actor_login text        NOT NULL,
    reason      text        NOT NULL CHECK (reason <> ''),
    request     bigint      NOT NULL REFERENCES request,
    at          timestamptz NOT NULL
);
CREATE TRIGGER unauthorised_acknowledgement_is_kept BEFORE UPDATE OR DELETE ON unauthorised_acknowledgement
    FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER unauthorised_acknowledgement_is_never_emptied BEFORE TRUNCATE ON unauthorised_acknowledgement
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();

-- The tip of a branch up to which everything that landed was looked at.
CREATE TABLE branch_seen (
    subject text        PRIMARY KEY,
    tip     text        NOT NULL,
    at      timestamptz NOT NULL
);

-- Who denies having written a commit whose message names them as co-author.
CREATE TABLE disowned (
    repository_id bigint      NOT NULL,
    commit        text        NOT NULL,
    account_id    bigint      NOT NULL,
    account_login text        NOT NULL,
    request       bigint      NOT NULL REFERENCES request,
    at            timestamptz NOT NULL,
    PRIMARY KEY (repository_id, commit, account_id)
);
CREATE TRIGGER disowned_is_kept BEFORE UPDATE OR DELETE ON disowned FOR EACH ROW EXECUTE FUNCTION is_append_only();
CREATE TRIGGER disowned_is_never_emptied BEFORE TRUNCATE ON disowned
    FOR EACH STATEMENT EXECUTE FUNCTION is_append_only();

-- Which account a login of a policy stood for when it was first looked up: logins can change hands, accounts cannot.
CREATE TABLE named_login (
    login      text        PRIMARY KEY,
    account_id bigint      NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now()
);

-- Since when somebody has been in a team ("team:organisation/slug") or has had a permission of their own in a repository
-- ("permission:<repository id>"). since is NULL for whoever was there when the place was first looked at.
CREATE TABLE membership (
    place      text   NOT NULL,
    account_id bigint NOT NULL,
    since      timestamptz,
    PRIMARY KEY (place, account_id)
);
CREATE TABLE membership_place (
    place text PRIMARY KEY
);

-- Whose approvals counted for whose changes: one row for each change and approver.
CREATE TABLE approval_given (
    subject        text        NOT NULL,
    author_id      bigint      NOT NULL,
    approver_id    bigint      NOT NULL,
    approver_login text        NOT NULL,
    at             timestamptz NOT NULL,
    PRIMARY KEY (subject, approver_id)
);
CREATE INDEX approval_given_by_author ON approval_given (author_id, at);

GRANT SELECT, INSERT ON unauthorised_change, unauthorised_acknowledgement, disowned, named_login, membership_place,
    approval_given TO countersign_app;
GRANT SELECT, INSERT, UPDATE ON branch_seen TO countersign_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON membership TO countersign_app;
