-- A request id is claimed for one use before an erasure begins, so that it never answers with that of
-- somebody else. The erasure is NULL until it has begun. Of requests kept before the use is not known
-- (''): their receipts are still found, and a repeat of them is refused.

CREATE TABLE erasure_request_before AS SELECT * FROM erasure_request;
DROP TABLE erasure_request;

CREATE TABLE erasure_request (
    caller     TEXT COLLATE "C" NOT NULL,
    request_id TEXT COLLATE "C" NOT NULL,
    used_for   BYTEA NOT NULL,
    erasure_id TEXT COLLATE "C",
    PRIMARY KEY (caller, request_id)
);
INSERT INTO erasure_request SELECT caller, request_id, ''::bytea, erasure_id FROM erasure_request_before;
DROP TABLE erasure_request_before;
