-- Events in the order they were recorded. `id` is never used twice (AUTOINCREMENT), because
-- the outbox points at ranges of it and the newest events may be erased.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_key BLOB NOT NULL,          -- BLAKE2b-128 of tenant, caller and event id
    subject BLOB NOT NULL,            -- birth subject
    kind INTEGER NOT NULL,
    item_id TEXT NOT NULL,
    occurred_at_ms INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    order_ref TEXT NOT NULL,
    party INTEGER NOT NULL,
    origin TEXT NOT NULL,
    agreement TEXT NOT NULL,
    expires_at_ms INTEGER,            -- NULL: does not expire
    recorded_at_ms INTEGER NOT NULL,
    uses INTEGER NOT NULL             -- mask of purposes, signed 64 bits
) STRICT;

CREATE UNIQUE INDEX event_by_key ON event (event_key);
CREATE INDEX event_by_subject ON event (subject, occurred_at_ms);

-- The transactional outbox: one row per append, written in its transaction. It points at the
-- events instead of repeating them, so that an erased event is in no second place.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    first_event INTEGER NOT NULL,
    last_event INTEGER NOT NULL
) STRICT;
