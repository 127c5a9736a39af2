-- A subject's key in this store is made from the salt and the deployment's key; without its salt
-- nobody can make it again. The row of a destroyed key stays, so that none is made anew.
CREATE TABLE subject_keys (
  name BLOB PRIMARY KEY,      -- hash of the birth subject, 16 bytes
  ring_version INTEGER NOT NULL,
  salt BLOB                   -- 32 random bytes; NULL once the key was destroyed
) STRICT, WITHOUT ROWID;
