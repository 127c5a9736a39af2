-- The registered verifier that saw one person prove both ends of an edge; empty if none did, and
-- for every edge taken in before this was asked.
ALTER TABLE edges ADD COLUMN attested_by TEXT NOT NULL DEFAULT '';
