-- The journal of erasures: what was asked, what was answered, and at the end the receipt.
CREATE TABLE erasure_run (
    erasure_id      TEXT PRIMARY KEY,
    suppress        INTEGER NOT NULL,
    requested_by    TEXT NOT NULL,
    requested_at_ms INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    recipients      TEXT,               -- JSON; NULL until they were told
    receipt         BLOB,               -- canonical JSON; NULL until it is signed
    signature       BLOB,
    key_version     INTEGER
) STRICT, WITHOUT ROWID;

-- Whom an open erasure is about; deleted with the signing of its receipt.
CREATE TABLE erasure_subject (
    subject    BLOB PRIMARY KEY,
    erasure_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE erasure_answer (
    erasure_id TEXT NOT NULL,
    stage      TEXT NOT NULL,
    store      TEXT NOT NULL,
    answer     TEXT NOT NULL,           -- JSON
    PRIMARY KEY (erasure_id, stage, store)
) STRICT, WITHOUT ROWID;
