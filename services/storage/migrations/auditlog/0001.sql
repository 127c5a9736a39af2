-- The one log of a deployment: see consent.auditlog. Only tiles are ever changed, and they only grow.
CREATE TABLE log_batches (
  size INTEGER PRIMARY KEY,  -- of the tree after the batch
  first INTEGER NOT NULL,    -- place of its first leaf
  leaves BLOB NOT NULL       -- encodings of consent.auditlog.leaf, each with its length
) STRICT;

CREATE TABLE log_heads (
  size INTEGER PRIMARY KEY,
  root BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  key_version INTEGER NOT NULL,
  signature BLOB NOT NULL,
  edge BLOB NOT NULL         -- hashes of the perfect subtrees, the largest first
) STRICT;

CREATE TABLE log_tiles (
  level INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hashes BLOB NOT NULL,      -- at most 256
  PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_sources (
  source TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL    -- the last of its batches that is sealed
) STRICT, WITHOUT ROWID;

CREATE TRIGGER log_batches_are_kept BEFORE DELETE ON log_batches BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER log_batches_are_fixed BEFORE UPDATE ON log_batches BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER log_heads_are_kept BEFORE DELETE ON log_heads BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER log_heads_are_fixed BEFORE UPDATE ON log_heads BEGIN SELECT RAISE(ABORT, 'append only'); END;
