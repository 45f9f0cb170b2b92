-- A waiver is for the change that it was asked for, and is named by the number of that wish. One of before names no change,
-- and holds for none.
ALTER TABLE waiver_request ADD COLUMN head text NOT NULL DEFAULT '', ADD COLUMN diff text NOT NULL DEFAULT '';
ALTER TABLE waiver
    ADD COLUMN number bigint NOT NULL DEFAULT 0,
    ADD COLUMN head text NOT NULL DEFAULT '',
    ADD COLUMN diff text NOT NULL DEFAULT '';
UPDATE waiver SET number = coalesce((
    SELECT max(wish.id) FROM waiver_request wish
    WHERE wish.subject = waiver.subject AND wish.finding = waiver.finding AND wish.until = waiver.until
      AND wish.reason = waiver.reason AND wish.by = waiver.asked_by AND wish.answer = 'granted'
), 0);
