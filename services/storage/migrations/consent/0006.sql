-- The highest version of the policy file that was in force, and the content that had it.
CREATE TABLE policy (
    version INTEGER NOT NULL,
    digest  TEXT NOT NULL
) STRICT;
INSERT INTO policy VALUES (0, '');
