-- The organisations that Countersign is installed in.
CREATE TABLE installation (
    id         bigint      PRIMARY KEY,
    account_id bigint      NOT NULL,
    account    text        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('active', 'suspended', 'deleted')),
    changed_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON installation TO countersign_app;

-- Every delivery that was accepted, once. body is the raw body, compressed by zlib, until it is forgotten.
CREATE TABLE delivery (
    guid            text        PRIMARY KEY,
    event           text        NOT NULL,
    action          text,
    installation_id bigint,
    repository_id   bigint,
    ignored         text,
    digest          bytea       NOT NULL,
    body            bytea       STORAGE EXTERNAL,
    received_at     timestamptz NOT NULL
);
CREATE INDEX delivery_with_body ON delivery (received_at) WHERE body IS NOT NULL;
GRANT SELECT, INSERT, UPDATE (body) ON delivery TO countersign_app;

-- Who put which commit at the tip of a branch. Nothing here is ever changed.
CREATE TABLE push (
    id            bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    repository_id bigint      NOT NULL,
    ref           text        NOT NULL,
    after         text        NOT NULL,
    actor_id      bigint,
    actor_login   text,
    actor_kind    text,
    via           text        NOT NULL CHECK (via IN ('push', 'synchronize', 'activity')),
    seen_at       timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX push_once ON push (repository_id, after, ref, coalesce(actor_id, 0), via);
CREATE FUNCTION push_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the push log can only be appended to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER push_is_kept BEFORE UPDATE OR DELETE ON push FOR EACH ROW EXECUTE FUNCTION push_is_append_only();
CREATE TRIGGER push_is_never_emptied BEFORE TRUNCATE ON push
    FOR EACH STATEMENT EXECUTE FUNCTION push_is_append_only();
GRANT SELECT, INSERT ON push TO countersign_app;

-- What people asked for, as they said it. outcome is empty until it was acted on.
CREATE TABLE request (
    id          bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    subject     text        NOT NULL,
    origin      text        NOT NULL UNIQUE,
    comment_id  bigint,
    actor_id    bigint      NOT NULL,
    actor_login text        NOT NULL,
    actor_kind  text        NOT NULL,
    text        text        NOT NULL,
    asked_at    timestamptz NOT NULL,
    outcome     text,
    settled_at  timestamptz
);
CREATE INDEX request_pending ON request (subject, id) WHERE outcome IS NULL;
GRANT SELECT, INSERT, UPDATE (outcome, settled_at) ON request TO countersign_app;
