-- How the system that keeps a record's twin fails: what the last attempt met, and what people are told of it.
--   failing  empty where the last attempt came to its end
--   fault    what two attempts in a row have met; empty where nothing is told
ALTER TABLE change_link
    ADD COLUMN failing       text NOT NULL DEFAULT '',
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN fault         text NOT NULL DEFAULT '',
    ADD COLUMN fault_since   timestamptz,
    ADD CHECK ((failing = '') = (failing_since IS NULL)),
    ADD CHECK ((fault = '') = (fault_since IS NULL)),
    ADD CHECK (fault = '' OR failing <> '');
