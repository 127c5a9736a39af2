-- Identifiers that people share, and what was refused or taken back because of what rules say.

-- No link by one of these is taken any more; only rules that are applied let one go.
CREATE TABLE shared_identifier (
    subject  BLOB PRIMARY KEY,
    since_ms INTEGER NOT NULL,
    reason   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- An edge that somebody goes on asserting is refused in one row, however often (3: REFUSED).
DELETE FROM edge WHERE state = 3 AND edge_id NOT IN
    (SELECT max(edge_id) FROM edge WHERE state = 3 GROUP BY a, b, evidence, source);
CREATE UNIQUE INDEX edge_refused_once ON edge (a, b, evidence, source) WHERE state = 3;

-- The audit of violations asks by either end (6 and 7: quarantined, or about to be).
CREATE INDEX edge_violation_a ON edge (a, stated_at_ms) WHERE state IN (3, 6, 7);
CREATE INDEX edge_violation_b ON edge (b, stated_at_ms) WHERE state IN (3, 6, 7);
