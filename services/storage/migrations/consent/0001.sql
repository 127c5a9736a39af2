-- Consent: append-only records, the projected identity graph, the epoch.
-- Instants are milliseconds since the epoch; 1 << 62 means "does not end". Purposes and views
-- are kept by name, never by bit: bits belong to one policy file.

CREATE TABLE authority (
    epoch        INTEGER NOT NULL,
    graph_cursor INTEGER NOT NULL
);
INSERT INTO authority VALUES (0, 0);

CREATE TABLE statements (
    entry_id BLOB PRIMARY KEY,
    digest   BLOB NOT NULL,
    epoch    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE records (
    position         INTEGER PRIMARY KEY,
    event_id         BLOB NOT NULL,
    tenant           TEXT NOT NULL,
    subject          BLOB NOT NULL,
    node             TEXT NOT NULL,
    action           TEXT NOT NULL CHECK (action IN ('GRANT', 'REFUSE', 'WITHDRAW')),
    taxonomy_version INTEGER NOT NULL,
    effective_at_ms  INTEGER NOT NULL,
    valid_until_ms   INTEGER NOT NULL,
    collected_via    TEXT NOT NULL,
    recorded_at_ms   INTEGER NOT NULL,
    notice_id        TEXT,
    notice_version   TEXT,
    notice_language  TEXT,
    actor            TEXT NOT NULL,
    request_id       TEXT NOT NULL,
    CHECK (action <> 'GRANT' OR notice_id IS NOT NULL)
);
CREATE INDEX records_of_subject ON records (subject, position);
CREATE TRIGGER records_never_change BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'consent records are append-only'); END;
CREATE TRIGGER records_never_go BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'consent records are append-only'); END;

CREATE TABLE births (
    number  INTEGER PRIMARY KEY,
    subject BLOB NOT NULL UNIQUE
);

CREATE TABLE edges (
    edge_id        INTEGER PRIMARY KEY,
    a              BLOB NOT NULL,
    b              BLOB NOT NULL,
    link_purpose   TEXT NOT NULL,
    deterministic  INTEGER NOT NULL,
    views          TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('ACTIVE', 'REFUSAL_ONLY', 'WRONG')),
    valid_until_ms INTEGER NOT NULL
);
