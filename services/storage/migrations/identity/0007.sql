-- Suppression entries are sealed instead of hashed, so that they outlive the key they were made
-- under: an entry holds the digest of the identifier, encrypted as a token is, under a key of its own.
-- What was kept before stands under a hash of the token under key version 1, the only one there was.
ALTER TABLE suppression RENAME TO suppression_by_hash;

CREATE TABLE suppression (
    sealed     BLOB PRIMARY KEY,
    kind       INTEGER NOT NULL,
    -- What receipts call the entry; it stays what it was when the entry is sealed again.
    name       BLOB NOT NULL,
    erasure_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
