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
