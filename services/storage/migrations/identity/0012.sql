-- Exports and erasures find the links of somebody from either end, in whatever state, and their
-- place in the sequence.
DROP INDEX edge_fallen_by_b;
CREATE INDEX edge_by_b ON edge (b);
CREATE INDEX edge_change_of ON edge_change (edge_id);

-- Retention finds by age the links that were taken back and count for nothing (6: QUARANTINED).
CREATE INDEX edge_quarantined ON edge (stated_at_ms) WHERE state = 6;
