-- What changed, for other processes that have these tables in memory. News name no person.
CREATE TABLE news (
    number INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,            -- 1 items, 2 entitlements, 3 somebody was forgotten, 4 the model, 5 a job
    about BLOB NOT NULL
) STRICT;

-- The processes that serve from these tables, and how far each has followed the news.
CREATE TABLE follower (
    id TEXT PRIMARY KEY,              -- random
    beat INTEGER NOT NULL,            -- counted up while the process is alive
    followed INTEGER NOT NULL,        -- news up to here are in its memory
    unlearned INTEGER NOT NULL        -- nothing it learned is of anybody who was gone at this one
) STRICT;

-- The files of the model in service, in parts, for processes that keep no folder in common. One model at a
-- time; it says whom it was learned from, and goes with the next.
CREATE TABLE model_part (
    name TEXT NOT NULL,
    part INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (name, part)
) STRICT;

-- What is to serve: no row: nobody has said so yet; an empty version: popularity.
CREATE TABLE model_in_service (
    one INTEGER PRIMARY KEY,          -- 1
    version TEXT NOT NULL,
    judged TEXT NOT NULL              -- the newest model and what its check came to, JSON; empty: none yet
) STRICT;

-- Of each kind of job the one that was asked for last, for whichever process has the duties.
CREATE TABLE job (
    kind TEXT PRIMARY KEY,
    key TEXT NOT NULL,                -- caller and request id
    now_ms INTEGER NOT NULL,
    steps TEXT NOT NULL,              -- JSON
    ended TEXT NOT NULL               -- empty while it is open; 'done', or what went wrong
) STRICT;
