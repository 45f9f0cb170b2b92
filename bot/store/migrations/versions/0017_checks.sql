-- What the system that keeps a record's twin was asked to check, and what it found in the way of the planned window.
--   twin, span, item  which record there was checked, and for which window and configuration item
--   ran               when that system says that it ran; while it is asked for, when the one before it did
--   found             pairs of what kind of conflict it is and what it is with
--   why_not           why it does not check, in that system's words
CREATE TABLE change_check (
    change  text        PRIMARY KEY REFERENCES change (number),
    twin    text        NOT NULL,
    system  text        NOT NULL,
    span    text        NOT NULL,
    item    text        NOT NULL,
    stage   text        NOT NULL CHECK (stage IN ('asked', 'read', 'refused')),
    ran     timestamptz,
    found   jsonb       NOT NULL DEFAULT '[]',
    why_not text        NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, UPDATE ON change_check TO countersign_app;
