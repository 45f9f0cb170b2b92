-- Until when a twin can still come that was asked for without an answer: until then, none is asked for again.
ALTER TABLE change_link ADD COLUMN unsettled timestamptz;
