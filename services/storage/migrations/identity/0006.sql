-- The rules in force, and a change of them that is under way.

-- Every version that ever was in force, as its file was written; the highest is.
CREATE TABLE rules (
    version       INTEGER PRIMARY KEY,
    content       TEXT NOT NULL,
    applied_at_ms INTEGER NOT NULL,
    applied_by    TEXT NOT NULL
) STRICT;

-- At most one row: the change that was begun and is to be finished. phase 1: edges are brought to
-- hold; 2: the rules are in force and edges go on to what they are to be.
CREATE TABLE rules_change (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    version       INTEGER NOT NULL,
    content       TEXT NOT NULL,
    plan_digest   TEXT NOT NULL,
    begun_at_ms   INTEGER NOT NULL,
    begun_by      TEXT NOT NULL,
    phase         INTEGER NOT NULL
) STRICT;

-- What it makes of edges (1: ACTIVE, 6: QUARANTINED) and which identifiers people share then.
CREATE TABLE rules_change_edge (
    edge_id INTEGER PRIMARY KEY,
    state   INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    held    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX rules_change_not_held ON rules_change_edge (edge_id) WHERE held = 0;
CREATE TABLE rules_change_shared (
    subject BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
