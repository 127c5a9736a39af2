-- Records go when, and only when, their subject is being erased; a skeleton of each stays.
DROP TRIGGER records_never_go;
CREATE TRIGGER records_go_by_erasure_only BEFORE DELETE ON records
WHEN NOT EXISTS (SELECT 1 FROM being_erased WHERE being_erased.subject = OLD.subject)
BEGIN SELECT RAISE(ABORT, 'consent records are append-only'); END;

-- What proves later that consent had been asked and given, without saying whose it was.
CREATE TABLE consent_skeleton (
    erasure_id      TEXT NOT NULL,
    node            TEXT NOT NULL,
    action          TEXT NOT NULL,
    effective_at_ms INTEGER NOT NULL,
    valid_until_ms  INTEGER NOT NULL,
    recorded_at_ms  INTEGER NOT NULL,
    notice          TEXT,              -- JSON: id, version, hash, language
    goes_at_ms      INTEGER NOT NULL   -- retention deletes it then
) STRICT;
CREATE INDEX consent_skeleton_by_end ON consent_skeleton (goes_at_ms);
