-- Identifiers, the edge ledger, what was asked for, and the sequence of changes.

-- A token is kept in two parts: key version and synthetic IV (17 bytes) tell tokens apart and
-- are all an index needs; the ciphertext is what the next key is made to seal.
CREATE TABLE identifier (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    token_iv BLOB NOT NULL UNIQUE,
    token_text BLOB NOT NULL,
    subject BLOB NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- a < b: an edge has no direction. A row never becomes another edge.
CREATE TABLE edge (
    edge_id INTEGER PRIMARY KEY AUTOINCREMENT,
    a BLOB NOT NULL,
    b BLOB NOT NULL,
    evidence INTEGER NOT NULL,
    source TEXT NOT NULL,
    observed_at_ms INTEGER NOT NULL,
    valid_until_ms INTEGER NOT NULL,
    confidence_permille INTEGER NOT NULL,
    state INTEGER NOT NULL,
    stated_at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    CHECK (a < b)
) STRICT;
CREATE INDEX edge_between ON edge (a, b);
CREATE UNIQUE INDEX edge_active ON edge (a, b, evidence, source) WHERE state = 1;

-- The outbox: births are a range of numbers, edges stand in edge_change with the state they
-- came to in that step.
CREATE TABLE change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    first_birth INTEGER NOT NULL,
    last_birth INTEGER NOT NULL
) STRICT;
CREATE TABLE edge_change (
    seq INTEGER NOT NULL,
    edge_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    PRIMARY KEY (seq, edge_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    caller TEXT NOT NULL,
    method TEXT NOT NULL,
    request_id TEXT NOT NULL,
    fingerprints BLOB NOT NULL,
    answer BLOB NOT NULL,
    seq INTEGER NOT NULL,
    done_at_ms INTEGER NOT NULL,
    PRIMARY KEY (caller, method, request_id)
) STRICT, WITHOUT ROWID;
