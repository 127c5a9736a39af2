-- What showed that an identifier is shared outlives whoever it was seen with: so many of a kind
-- linked with it directly (kind 0: so many people hanging together by it). Of what was found before
-- nobody knows it, and no rules allow so much.
ALTER TABLE shared_identifier ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shared_identifier ADD COLUMN count INTEGER NOT NULL DEFAULT 100001;
ALTER TABLE rules_change_shared ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rules_change_shared ADD COLUMN count INTEGER NOT NULL DEFAULT 100001;

-- An edge that rules come to take for a guess between two people was taken back, too (9: DISTRUSTED).
DROP INDEX edge_violation_a;
DROP INDEX edge_violation_b;
CREATE INDEX edge_violation_a ON edge (a, stated_at_ms) WHERE state IN (3, 6, 7, 9);
CREATE INDEX edge_violation_b ON edge (b, stated_at_ms) WHERE state IN (3, 6, 7, 9);
