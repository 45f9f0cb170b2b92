-- When a comment was written, by GitHub's clock: what it says counts as of then, however late its delivery arrives. NULL for a
-- button, and for what came before this was kept.
ALTER TABLE request ADD COLUMN written_at timestamptz;
