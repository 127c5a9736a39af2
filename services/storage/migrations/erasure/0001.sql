-- What every store of personal data remembers of erasures.

-- Whom to take in nothing about any more, by the hash of a birth subject (16 random bytes).
CREATE TABLE tombstone (
    tag        BLOB PRIMARY KEY,
    erasure_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was answered to each phase of an erasure, so that asking again counts nothing twice.
CREATE TABLE erasure (
    erasure_id TEXT NOT NULL,
    phase      TEXT NOT NULL,
    answer     TEXT NOT NULL,         -- JSON, see services.stores.Erased
    PRIMARY KEY (erasure_id, phase)
) STRICT, WITHOUT ROWID;

-- Filled and emptied within the transaction of an erasure: who may be deleted right now.
CREATE TABLE being_erased (
    subject BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
