-- What is in force of a policy file is so on a branch: a repository's file is read from the branch that a change goes to.
-- The organisation's is read from one branch alone, which is ''.
--   blob is the last version that could be used since the file is there, NULL where none could
--   refused is the version that is there now, where that one cannot be used
ALTER TABLE policy_in_force
    ADD COLUMN branch text NOT NULL DEFAULT '',
    ADD COLUMN refused text,
    ALTER COLUMN blob DROP NOT NULL,
    DROP CONSTRAINT policy_in_force_pkey;
ALTER TABLE policy_in_force
    ALTER COLUMN branch DROP DEFAULT,
    ADD PRIMARY KEY (origin, branch),
    ADD CHECK (blob IS NOT NULL OR refused IS NOT NULL),
    ADD FOREIGN KEY (refused, origin) REFERENCES policy_file (blob, origin);

-- Of a repository's file, that is what the latest decision about a change to the branch was made under.
WITH decided AS (
    SELECT in_force.origin, in_force.since, latest.policy, latest.decided_at,
        convert_from(facts.body, 'UTF8')::json #>> '{facts,base,name}' AS branch
    FROM policy_in_force AS in_force
    JOIN subject ON subject.kind = 'pull'
        AND lower((about ->> 'owner') || '/' || (about ->> 'name')) || ':.github/countersign.yml' = in_force.origin
    CROSS JOIN LATERAL (
        SELECT facts, policy, decided_at FROM decision
        WHERE decision.subject = subject.key ORDER BY decided_at DESC LIMIT 1
    ) AS latest
    JOIN facts ON facts.digest = latest.facts
), of_branch AS (
    SELECT DISTINCT ON (origin, branch) origin, branch, since, policy FROM decided
    ORDER BY origin, branch, decided_at DESC
)
INSERT INTO policy_in_force (origin, branch, blob, since)
SELECT origin, branch, layer ->> 'blob', since
FROM of_branch JOIN policy ON policy.digest = of_branch.policy
CROSS JOIN LATERAL json_array_elements(convert_from(policy.body, 'UTF8')::json -> 'layers') AS layer
WHERE layer ->> 'origin' = origin;
DELETE FROM policy_in_force WHERE branch = '' AND origin LIKE '%:.github/countersign.yml';
