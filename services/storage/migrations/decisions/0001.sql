-- What was decided, one row a decision, on the birth subject it was asked for. What it promises
-- stands in the row itself, so that a promise and its decision are written by one statement.
CREATE TABLE decision (
    decision_id BLOB PRIMARY KEY,     -- BLAKE2b-128 of tenant, caller and request id
    subject BLOB NOT NULL,            -- birth subject; '' for nobody
    digest BLOB NOT NULL,             -- of the question
    purpose INTEGER NOT NULL,         -- bit position
    decided_at_ms INTEGER NOT NULL,
    play_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    option_id TEXT NOT NULL,          -- '': nothing was given
    channel INTEGER NOT NULL,
    slot TEXT NOT NULL,
    depth INTEGER NOT NULL,
    held TEXT NOT NULL,               -- '': something was given
    send_at_ms INTEGER NOT NULL,
    price_minor INTEGER NOT NULL,     -- -1: none was told
    full_price_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    personalised INTEGER NOT NULL,
    propensity REAL NOT NULL,
    binds_until_ms INTEGER NOT NULL,  -- 0: it does not bind
    promises INTEGER NOT NULL,        -- 1 a place under the cap, 2 a question, 4 an offer
    became INTEGER NOT NULL,          -- 1 shown, 2 promised, 3 sent, 4 released, 5 held
    honours BLOB NOT NULL,            -- the decision whose offer it repeats, or ''
    grounds BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_by_slot ON decision (subject, slot, held, decided_at_ms);
CREATE INDEX decision_promises ON decision (subject, send_at_ms) WHERE promises > 0;
CREATE INDEX decision_by_age ON decision (decided_at_ms);

-- What was reported of decisions.
CREATE TABLE decision_report (
    key BLOB PRIMARY KEY,             -- BLAKE2b-128 of tenant, caller and request id
    subject BLOB NOT NULL,            -- birth subject that it was reported by
    decision_id BLOB NOT NULL,
    digest BLOB NOT NULL,
    outcome INTEGER NOT NULL,
    value INTEGER,                    -- NULL: it has none
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_report_by_decision ON decision_report (decision_id);
CREATE INDEX decision_report_by_subject ON decision_report (subject, at_ms);
CREATE INDEX decision_report_by_age ON decision_report (at_ms);

-- Where a person drew a line: an open complaint (channel 0), or a channel not to be reached by.
CREATE TABLE boundary (
    subject BLOB NOT NULL,
    channel INTEGER NOT NULL,
    drawn_at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, channel)
) STRICT, WITHOUT ROWID;
