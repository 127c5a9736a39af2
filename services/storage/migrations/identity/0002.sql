-- Links and corrections are pending until every guard table has them.

-- Since which place in the sequence an edge waits; its state says for what.
CREATE TABLE pending (
    edge_id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;

-- At most one edge that stands has a key: active (1) or to be active (4).
DROP INDEX edge_active;
CREATE UNIQUE INDEX edge_standing ON edge (a, b, evidence, source) WHERE state IN (1, 4);
