-- Whose hold an instruction is about, by the number of the account: each holds for itself, and each is lifted by itself.
-- NULL for other kinds. A hold of before that somebody else's took the place of stands again: nobody lifted it by name.
ALTER TABLE instruction ADD COLUMN about bigint;
ALTER TABLE instruction DISABLE TRIGGER instruction_is_kept;
UPDATE instruction SET about = (
    SELECT (held.by ->> 'id')::bigint FROM instruction held
    WHERE held.subject = instruction.subject AND held.kind = 'hold' AND held.value <> '' AND held.id <= instruction.id
    ORDER BY held.id DESC LIMIT 1
) WHERE kind = 'hold';
ALTER TABLE instruction ENABLE TRIGGER instruction_is_kept;
ALTER TABLE instruction ADD CHECK (kind <> 'hold' OR about IS NOT NULL);

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
