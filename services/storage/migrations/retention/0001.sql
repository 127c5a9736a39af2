-- What retention deleted in this file: one row a sweep and kind, counted up by its batches.
CREATE TABLE sweep (
    sweep_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    policy TEXT NOT NULL,          -- SHA-256 of the policy file whose limits counted
    at_ms INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (sweep_id, kind)
) STRICT, WITHOUT ROWID;
