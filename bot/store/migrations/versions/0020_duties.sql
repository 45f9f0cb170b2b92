-- A pull request that leaves a record leaves a trace: whoever had asked for the record until then asked for it, too.
--   left_version  the version that the record had then; NULL while it is a part, and where it was one to the end
ALTER TABLE change_part ADD COLUMN left_version int;
ALTER TABLE change_part ADD CONSTRAINT change_part_that_left_is_not_open CHECK (left_version IS NULL OR NOT open);
GRANT UPDATE (left_version) ON change_part TO countersign_app;
REVOKE DELETE ON change_part FROM countersign_app;

-- An emergency that nobody has reviewed is found by its repository, too, whatever the application is called by then.
CREATE INDEX change_review_due_here ON change (split_part(subject, ':', 2), review_due) WHERE review_due IS NOT NULL;
