-- What the description said when somebody wrote a plan in a comment: whoever edits that section later has the last word.
ALTER TABLE instruction ADD COLUMN instead text;
