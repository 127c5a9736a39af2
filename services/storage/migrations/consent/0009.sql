-- A request id is claimed for one use before an erasure begins, so that it never answers with that of
-- somebody else. The erasure is NULL until it has begun. Of requests kept before the use is not known
-- (''): their receipts are still found, and a repeat of them is refused.

CREATE TABLE erasure_request_before AS SELECT * FROM erasure_request;
DROP TABLE erasure_request;

CREATE TABLE erasure_request (
    caller     TEXT NOT NULL,
    request_id TEXT NOT NULL,
    used_for   BLOB NOT NULL,
    erasure_id TEXT,
    PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;
INSERT INTO erasure_request SELECT caller, request_id, x'', erasure_id FROM erasure_request_before;
DROP TABLE erasure_request_before;
