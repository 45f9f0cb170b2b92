-- The branch that a decision was made for: of a head that is merged somewhere else, nothing was decided.
ALTER TABLE decision ADD COLUMN base text;

-- A character that a text of PostgreSQL cannot hold may stand in the facts; in the name of a branch it cannot.
UPDATE decision SET base = CASE envelope ->> 'kind'
    WHEN 'pull' THEN envelope #>> '{facts,base,name}'
    ELSE envelope #>> '{facts,base}'
END
FROM (SELECT digest, replace(convert_from(body, 'UTF8'), '\u0000', '\ufffd')::json AS envelope FROM facts) AS known
WHERE known.digest = decision.facts;

ALTER TABLE decision ALTER COLUMN base SET NOT NULL;
