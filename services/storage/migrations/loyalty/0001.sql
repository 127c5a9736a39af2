-- The ledger of loyalty programmes: lines are added and never changed.
CREATE TABLE loyalty_entry (
    subject BLOB NOT NULL,            -- birth subject
    programme_id TEXT NOT NULL,
    entry_key BLOB NOT NULL,          -- BLAKE2b-128 of tenant, caller and posting id
    kind INTEGER NOT NULL,            -- 1 earn, 2 spend, 3 adjust
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,           -- '' without an amount
    points INTEGER NOT NULL,
    occurred_at_ms INTEGER NOT NULL,
    reference TEXT NOT NULL,          -- '' of a reversal
    reverses TEXT NOT NULL,           -- the reference of the subject's line it reverses, or ''
    recorded_at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, programme_id, entry_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX loyalty_entry_by_key ON loyalty_entry (entry_key);
CREATE UNIQUE INDEX loyalty_entry_by_reference ON loyalty_entry (subject, programme_id, reference)
    WHERE reference <> '';
CREATE INDEX loyalty_entry_by_reversal ON loyalty_entry (subject, programme_id, reverses)
    WHERE reverses <> '';

-- What a birth subject moved in a programme, whatever the signs, and when it last did anything there:
-- an account goes by age as a whole, for a part of a ledger says something else than all of it.
CREATE TABLE loyalty_account (
    subject BLOB NOT NULL,
    programme_id TEXT NOT NULL,
    moved_minor INTEGER NOT NULL,
    moved_points INTEGER NOT NULL,
    latest_at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, programme_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX loyalty_account_by_age ON loyalty_account (latest_at_ms);

CREATE TABLE loyalty_reservation (
    subject BLOB NOT NULL,
    programme_id TEXT NOT NULL,
    reservation_id BLOB PRIMARY KEY,  -- BLAKE2b-128 of tenant, caller and request id
    digest BLOB NOT NULL,             -- of what was asked
    reward_id TEXT NOT NULL,
    price_points INTEGER NOT NULL,
    cost_minor INTEGER NOT NULL,
    reserved_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,      -- an open one holds nothing from then on
    state INTEGER NOT NULL            -- 1 open, 2 committed, 3 cancelled
) STRICT, WITHOUT ROWID;
CREATE INDEX loyalty_reservation_by_subject ON loyalty_reservation (subject, programme_id);
CREATE INDEX loyalty_reservation_open ON loyalty_reservation (programme_id, expires_ms) WHERE state = 1;
CREATE INDEX loyalty_reservation_undone ON loyalty_reservation (expires_ms) WHERE state <> 2;

-- What the rewards that were handed over cost; about nobody, so that it stays when a person goes.
CREATE TABLE loyalty_budget (
    programme_id TEXT PRIMARY KEY,
    spent_minor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
