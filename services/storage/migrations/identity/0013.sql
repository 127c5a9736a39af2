-- Which login served which request, until the login has expired. Digests of what nobody can guess only.
CREATE TABLE login_use (
    token_id      BLOB PRIMARY KEY,
    used_for      BLOB NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_use_by_end ON login_use (expires_at_ms);
