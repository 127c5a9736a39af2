CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  process TEXT NOT NULL,      -- a name made up by each process at its start
  number INTEGER NOT NULL,    -- counted by the process, so that a lost tail shows
  at_ms INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  caller TEXT NOT NULL,
  rpc TEXT NOT NULL,
  purposes INTEGER NOT NULL,  -- mask of the purposes decided on
  policy TEXT NOT NULL,       -- SHA-256 of the policy file
  epoch INTEGER NOT NULL,     -- consent epoch decided at
  decisions BLOB NOT NULL,    -- groups of 17 bytes: subject tag (16), 1 = allowed
  refused_items INTEGER NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
