-- Which proof served which request, until the proof has expired. Digests of random ids only.
CREATE TABLE proof_use (
    token_id      BLOB PRIMARY KEY,
    used_for      BLOB NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX proof_use_by_end ON proof_use (expires_at_ms);

-- Which request of which caller began an erasure, so that its receipt is found when the answer was lost.
CREATE TABLE erasure_request (
    caller     TEXT NOT NULL,
    request_id TEXT NOT NULL,
    erasure_id TEXT NOT NULL,
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;
