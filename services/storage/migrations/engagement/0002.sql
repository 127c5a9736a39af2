-- What people say of themselves: the latest answer about each thing, on the birth subject that
-- gave it.
CREATE TABLE declared (
    subject BLOB NOT NULL,
    topic INTEGER NOT NULL,           -- 1 category, 2 brand, 3 item, 4 age band
    name TEXT NOT NULL,               -- '' for the age band
    value INTEGER NOT NULL,           -- a like above 0, a dislike below; or the band
    origin TEXT NOT NULL,
    declared_at_ms INTEGER NOT NULL,
    uses INTEGER NOT NULL,            -- mask of purposes, signed 64 bits
    PRIMARY KEY (subject, topic, name)
) STRICT, WITHOUT ROWID;

-- Who declared something in the commit of a row of the outbox. The news is what they declare when
-- it is read, so that an answer is in no second place.
CREATE TABLE declared_change (
    seq INTEGER PRIMARY KEY,          -- of the outbox
    subject BLOB NOT NULL
) STRICT;
CREATE INDEX declared_change_by_subject ON declared_change (subject);

CREATE TABLE declare_request (
    key BLOB PRIMARY KEY,             -- BLAKE2b-128 of tenant, caller and request id
    subject BLOB NOT NULL,
    digest BLOB NOT NULL,
    answered INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX declare_request_by_age ON declare_request (at_ms);
CREATE INDEX declare_request_by_subject ON declare_request (subject);
