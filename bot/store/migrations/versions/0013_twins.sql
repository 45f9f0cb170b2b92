-- What the twin of a record was last asked about, how many twins there were, and what is planned there.
--   round       the round of asking in which its approvals are asked for; 0 while none are
--   generation  counts the twins: one that cannot become what the record is now is given up for another
--   kind        the type of change that it was made as
--   planned     the window that was planned there and not here when it was read last
ALTER TABLE change_link
    ADD COLUMN round      int  NOT NULL DEFAULT 0,
    ADD COLUMN generation int  NOT NULL DEFAULT 1,
    ADD COLUMN kind       text NOT NULL DEFAULT '',
    ADD COLUMN planned    text NOT NULL DEFAULT '';

-- The round of asking in which something was said there; and that a record as a whole was rejected.
ALTER TABLE change_heard ADD COLUMN round int NOT NULL DEFAULT 0;
ALTER TABLE change_heard DROP CONSTRAINT change_heard_deed_check;
ALTER TABLE change_heard ADD CONSTRAINT change_heard_deed_check
    CHECK (deed IN ('approve', 'reject', 'rejected', 'cancel', 'schedule'));
