-- What a tenant declares: every version, as the contract has it. About nobody; the names of callers
-- are those of programs.
CREATE TABLE definition (
    kind INTEGER NOT NULL,            -- 1 play, 2 segment, 3 limits, 4 template, 5 programme
    id TEXT NOT NULL,                 -- '' of limits
    version INTEGER NOT NULL,         -- counts up from 1
    content BLOB NOT NULL,            -- the contract's Definition
    state INTEGER NOT NULL,           -- 1 draft, 2 pilot, 3 live, 4 retired
    applied_by TEXT NOT NULL,
    applied_at_ms INTEGER NOT NULL,
    approved_by TEXT,
    approved_at_ms INTEGER,
    PRIMARY KEY (kind, id, version)
) STRICT, WITHOUT ROWID;

-- Which version of each is the newest, and which decides (0: none).
CREATE TABLE definition_current (
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    newest INTEGER NOT NULL,
    in_force INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE definition_request (
    key BLOB PRIMARY KEY,             -- BLAKE2b-128 of tenant, caller and request id
    digest BLOB NOT NULL,
    answer BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX definition_request_by_age ON definition_request (at_ms);
