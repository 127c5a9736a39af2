-- Identifiers whose owners had everything erased and asked not to be marketed to again: a hash
-- of the token, under which the identifier is recognised when it comes back, and nothing else.
CREATE TABLE suppression (
    tag        BLOB PRIMARY KEY,
    erasure_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Births of such identifiers; they begin with refusals.
CREATE TABLE suppressed_birth (
    number INTEGER PRIMARY KEY
) STRICT;
