-- Counts of audiences that were told, so that what is told next can not be held against them. About
-- nobody: what was asked, how many they were, what was told.
CREATE TABLE audience_answer (
    purpose TEXT NOT NULL,
    question BLOB NOT NULL,           -- SHA-256 of purpose and condition
    condition BLOB NOT NULL,          -- as the contract has it
    counted INTEGER NOT NULL,
    people INTEGER,                   -- NULL: nothing was told
    place INTEGER NOT NULL,           -- in the order they were first asked
    counted_at_ms INTEGER NOT NULL,
    PRIMARY KEY (purpose, question)
) STRICT, WITHOUT ROWID;

CREATE TABLE audience_question (
    caller TEXT NOT NULL,
    day INTEGER NOT NULL,             -- since 1970-01-01, UTC
    question BLOB NOT NULL,
    PRIMARY KEY (caller, day, question)
) STRICT, WITHOUT ROWID;
