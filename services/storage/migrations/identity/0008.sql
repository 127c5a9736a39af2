-- What does not stand is found from its larger end, too; what stands is reached from memory.
CREATE INDEX edge_fallen_by_b ON edge (b) WHERE state NOT IN (1, 4);
