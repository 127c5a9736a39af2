-- Statements in full: every action, where the person was and how old, the legal basis, what shows
-- that it was said, and which refusals a grant answers. Rows kept before say of these that nothing
-- is known ('' or NULL), which is what they meant.

CREATE TABLE records_before AS SELECT * FROM records;
DROP TABLE records;

CREATE TABLE records (
    position         INTEGER PRIMARY KEY,
    event_id         BLOB NOT NULL,
    tenant           TEXT NOT NULL,
    subject          BLOB NOT NULL,
    node             TEXT NOT NULL,
    action           TEXT NOT NULL CHECK (action IN (
        'GRANT', 'REFUSE', 'WITHDRAW', 'EXPIRE', 'INVALIDATE', 'OBJECT', 'RESTRICT', 'LIFT', 'REQUEST', 'DEFER'
    )),
    taxonomy_version INTEGER NOT NULL,
    effective_at_ms  INTEGER NOT NULL,
    valid_until_ms   INTEGER NOT NULL,
    regime           TEXT NOT NULL DEFAULT '',
    jurisdiction     TEXT NOT NULL DEFAULT '',
    legal_basis      TEXT NOT NULL DEFAULT '',
    age              TEXT NOT NULL DEFAULT 'UNKNOWN' CHECK (age IN ('UNKNOWN', 'ADULT', 'MINOR', 'CHILD')),
    child_signal     INTEGER NOT NULL DEFAULT 0,
    collected_via    TEXT NOT NULL,
    recorded_at_ms   INTEGER NOT NULL,
    notice_id        TEXT,
    notice_version   TEXT,
    notice_language  TEXT,
    notice_sha256    BLOB,
    method           TEXT NOT NULL DEFAULT '',
    collector        TEXT NOT NULL DEFAULT '',
    ui_hash          BLOB,
    raw_signal       BLOB,             -- sealed under the subject's own key
    supersedes       BLOB,             -- event ids of 16 bytes, one after the other
    actor            TEXT NOT NULL,
    request_id       TEXT NOT NULL,
    CHECK (action <> 'GRANT' OR notice_id IS NOT NULL),
    CHECK (action = 'GRANT' OR supersedes IS NULL)
);
INSERT INTO records (position, event_id, tenant, subject, node, action, taxonomy_version, effective_at_ms,
    valid_until_ms, collected_via, recorded_at_ms, notice_id, notice_version, notice_language, actor, request_id)
SELECT position, event_id, tenant, subject, node, action, taxonomy_version, effective_at_ms,
    valid_until_ms, collected_via, recorded_at_ms, notice_id, notice_version, notice_language, actor, request_id
FROM records_before;
DROP TABLE records_before;

CREATE INDEX records_of_subject ON records (subject, position);
CREATE TRIGGER records_never_change BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'consent records are append-only'); END;
CREATE TRIGGER records_go_by_erasure_only BEFORE DELETE ON records
WHEN NOT EXISTS (SELECT 1 FROM being_erased WHERE being_erased.subject = OLD.subject)
BEGIN SELECT RAISE(ABORT, 'consent records are append-only'); END;

-- The refusals that some grant names: they alone are told apart when state is folded.
CREATE TABLE answered (
    refusal BLOB PRIMARY KEY
) WITHOUT ROWID;
