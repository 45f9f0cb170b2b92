-- The role that web and worker work as. It owns nothing.
DO $$
BEGIN
    -- The role belongs to the server, whose other databases may be prepared at the same moment.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_app') THEN
        BEGIN
            CREATE ROLE countersign_app NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    -- Since PostgreSQL 16, who may administer a role may not always become it.
    IF NOT pg_has_role(
        current_user, 'countersign_app',
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
    ) THEN
        EXECUTE format('GRANT countersign_app TO %I', current_user);
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO countersign_app;
GRANT SELECT ON alembic_version TO countersign_app;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON procrastinate_jobs, procrastinate_events, procrastinate_workers, procrastinate_periodic_defers TO countersign_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO countersign_app;

-- What is to be looked at. The promise to look stands here; jobs are only wake-ups.
--   wanted   grows with every wish; looked is the value of wanted when the last finished look began
--   look     the fence: the number of the newest look that has begun
--   due      when time alone makes it wanted: a timer, or a retry
--   concerns what the last look depended on; a change there makes it wanted again
--   begun_at when the newest look began; looked_from when the last finished one did
CREATE TABLE subject (
    key             text        PRIMARY KEY,
    kind            text        NOT NULL,
    installation_id bigint      NOT NULL,
    about           jsonb       NOT NULL,
    wanted          bigint      NOT NULL DEFAULT 1,
    looked          bigint      NOT NULL DEFAULT 0,
    look            bigint      NOT NULL DEFAULT 0,
    urgency         smallint    NOT NULL DEFAULT 0,
    due             timestamptz,
    attempts        int         NOT NULL DEFAULT 0,
    concerns        text[]      NOT NULL DEFAULT '{}',
    waiting_for     text,
    finished        boolean     NOT NULL DEFAULT false,
    wanted_at       timestamptz NOT NULL DEFAULT now(),
    begun_at        timestamptz,
    looked_from     timestamptz,
    looked_at       timestamptz
);
CREATE INDEX subject_due ON subject (due) WHERE due IS NOT NULL;
CREATE INDEX subject_wanted ON subject (wanted_at) WHERE wanted > looked;
CREATE INDEX subject_concerns ON subject USING gin (concerns) WHERE NOT finished;
CREATE INDEX subject_unlooked ON subject (looked_at) WHERE NOT finished;
GRANT SELECT, INSERT, UPDATE, DELETE ON subject TO countersign_app;

-- When something last changed that looks may depend on, or that facts may have been read of before.
CREATE TABLE staleness (
    concern text        PRIMARY KEY,
    at      timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON staleness TO countersign_app;

-- Make sure that a job will look at each of these subjects. Callers hold the subjects' rows, in the order of their keys,
-- so that two of them never wait for each other here. A job that waits already is made as urgent as the newest wish.
CREATE FUNCTION countersign_wake(keys text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wish record;
BEGIN
    FOR wish IN SELECT key, urgency FROM subject WHERE key = ANY (keys) ORDER BY key LOOP
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
        VALUES ('looks', 'look', wish.urgency, wish.key, wish.key, jsonb_build_object('key', wish.key))
        ON CONFLICT (queueing_lock) WHERE status = 'todo'
        DO UPDATE SET priority = excluded.priority WHERE procrastinate_jobs.priority < excluded.priority;
    END LOOP;
END
$$;

-- Want these subjects looked at: the named ones, and all whose last look depended on one of the concerns.
CREATE FUNCTION countersign_want(
    keys text[], kinds text[], installations bigint[], abouts jsonb[], urgencies smallint[],
    stirred text[], stirred_urgencies smallint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    touched text[];
BEGIN
    INSERT INTO staleness (concern, at)
    SELECT concern, clock_timestamp() FROM unnest(stirred) AS concern ORDER BY concern
    ON CONFLICT (concern) DO UPDATE SET at = excluded.at;
    WITH named AS (
        SELECT DISTINCT ON (wish.key) wish.*, max(wish.urgency) OVER (PARTITION BY wish.key) AS most
        FROM unnest(keys, kinds, installations, abouts, urgencies) WITH ORDINALITY
            AS wish (key, kind, installation_id, about, urgency, place)
        ORDER BY wish.key, wish.place DESC
    ), concerned AS (
        SELECT subject.key, subject.kind, subject.installation_id, subject.about, max(stir.urgency) AS most
        FROM unnest(stirred, stirred_urgencies) AS stir (concern, urgency)
        JOIN subject ON NOT subject.finished AND subject.concerns @> ARRAY[stir.concern]
        WHERE subject.key <> ALL (keys)
        GROUP BY subject.key
    ), wishes AS (
        SELECT key, kind, installation_id, about, most FROM named
        UNION ALL
        SELECT key, kind, installation_id, about, most FROM concerned
        ORDER BY key
    ), upserted AS (
        INSERT INTO subject (key, kind, installation_id, about, urgency)
        SELECT key, kind, installation_id, about, most FROM wishes
        ON CONFLICT (key) DO UPDATE SET
            wanted = subject.wanted + 1,
            installation_id = excluded.installation_id,
            about = subject.about || excluded.about,
            -- Whoever asked before is still waiting while nothing came to an end.
            urgency = greatest(
                excluded.urgency,
                CASE WHEN subject.wanted > subject.looked OR subject.attempts > 0 THEN subject.urgency END
            ),
            finished = false,
            wanted_at = CASE WHEN subject.wanted > subject.looked THEN subject.wanted_at ELSE clock_timestamp() END
        RETURNING key
    )
    SELECT array_agg(key) INTO touched FROM upserted;
    IF touched IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM countersign_wake(touched);
    RETURN cardinality(touched);
END
$$;

-- The ledger. leaf is the RFC 6962 leaf hash over body, and body is canonical JSON (RFC 8785) of the whole row.
CREATE TABLE ledger_head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    seq    bigint  NOT NULL
);
INSERT INTO ledger_head (seq) VALUES (0);
CREATE TABLE ledger_entry (
    seq     bigint      PRIMARY KEY,
    at      timestamptz NOT NULL,
    kind    text        NOT NULL,
    subject text        NOT NULL,
    body    bytea       NOT NULL,
    leaf    bytea       NOT NULL
);
CREATE INDEX ledger_entry_by_subject ON ledger_entry (subject, seq);

CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger can only be appended to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER ledger_entry_is_kept BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_entry_is_never_emptied BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- The function's owner moves the head, so that nobody but an append can. The head's row is locked until the transaction
-- ends: numbers are handed out one transaction after the other, and one that is rolled back leaves no gap. Tables that a
-- session makes for itself come last in the search, or they could stand in for the head.
CREATE FUNCTION ledger_entry_is_next() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE ledger_head SET seq = seq + 1 WHERE seq + 1 = NEW.seq;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'entry % is not the next one of the ledger', NEW.seq USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.leaf <> sha256('\x00'::bytea || NEW.body) THEN
        RAISE EXCEPTION 'the leaf of entry % is not the hash of its body', NEW.seq USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER ledger_entry_is_next BEFORE INSERT ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_is_next();
CREATE FUNCTION ledger_next() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT seq + 1 FROM ledger_head FOR UPDATE
$$;
GRANT SELECT, INSERT ON ledger_entry TO countersign_app;
GRANT SELECT ON ledger_head TO countersign_app;
