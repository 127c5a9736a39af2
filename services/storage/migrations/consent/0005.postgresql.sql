-- Records go when, and only when, their subject is being erased; a skeleton of each stays.
DROP TRIGGER records_never_go ON records;
CREATE FUNCTION records_go_by_erasure_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM being_erased WHERE being_erased.subject = OLD.subject) THEN
        RAISE EXCEPTION 'consent records are append-only';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER records_go_by_erasure_only BEFORE DELETE ON records
FOR EACH ROW EXECUTE FUNCTION records_go_by_erasure_only();

-- What proves later that consent had been asked and given, without saying whose it was.
CREATE TABLE consent_skeleton (
    erasure_id      TEXT COLLATE "C" NOT NULL,
    node            TEXT COLLATE "C" NOT NULL,
    action          TEXT COLLATE "C" NOT NULL,
    effective_at_ms BIGINT NOT NULL,
    valid_until_ms  BIGINT NOT NULL,
    recorded_at_ms  BIGINT NOT NULL,
    notice          TEXT COLLATE "C",              -- JSON: id, version, hash, language
    goes_at_ms      BIGINT NOT NULL   -- retention deletes it then
);
CREATE INDEX consent_skeleton_by_end ON consent_skeleton (goes_at_ms);
