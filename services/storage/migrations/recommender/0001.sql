-- The catalogue, and the numbers items go by inside. An item known from events only is not
-- listed and has no texts; so has one that was deleted.
CREATE TABLE item (
    number INTEGER PRIMARY KEY,
    item_id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL DEFAULT '',
    brand TEXT NOT NULL DEFAULT '',
    listed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- AUTOINCREMENT: a training names subjects by number, and must not meet a later one under
-- the number of one that was erased.
CREATE TABLE subject (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    birth BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE provenance (
    code INTEGER PRIMARY KEY,
    party INTEGER NOT NULL,
    origin TEXT NOT NULL,
    uses INTEGER NOT NULL,            -- mask of purposes, signed 64 bits
    UNIQUE (party, origin, uses)
) STRICT;

-- A subject's events lie together: a history, an erasure and a training read are each one
-- range. A key is always told with the same subject, so the pair is as unique as the key.
CREATE TABLE event (
    subject INTEGER NOT NULL,
    event_key BLOB NOT NULL,
    item INTEGER NOT NULL,
    day INTEGER NOT NULL,             -- days since 1970-01-01, UTC
    kind INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    provenance INTEGER NOT NULL,
    expires_at_ms INTEGER,            -- NULL: does not expire
    PRIMARY KEY (subject, event_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE write_request (
    key TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    count INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX write_request_by_age ON write_request (at_ms);

CREATE TABLE state (
    projection TEXT NOT NULL,         -- names this projection; models of another are refused
    cursor INTEGER NOT NULL,
    events_seen INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (lower(hex(randomblob(8))), 0, 0);
