-- The order evaluations were kept in, also of two of one instant.
ALTER TABLE evaluation ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
