-- Exports and erasures find the links of somebody from either end.
CREATE INDEX edges_by_a ON edges (a);
CREATE INDEX edges_by_b ON edges (b);
