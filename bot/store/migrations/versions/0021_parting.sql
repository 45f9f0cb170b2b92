-- A record whose twin the policy does not keep any more is in the system 'register', until it names another one.
--   parting  what became of the last twin that was left so, for people; empty where there is nothing to say of it
ALTER TABLE change_link ADD COLUMN parting text NOT NULL DEFAULT '';
