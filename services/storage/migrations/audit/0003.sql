-- Records as leaves of the log that collects them. The rows before had subjects under keys that
-- no erasure could destroy; they are dropped.
DROP TABLE audit;

CREATE TABLE audit_batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,  -- instant of the newest record
  leaves BLOB NOT NULL     -- encodings of consent.auditlog.leaf, each with its length
) STRICT;
