-- What set a play off for somebody, and how far that is. One row an occurrence: what is set off
-- again by the same thing is the same row.
CREATE TABLE firing (
    subject BLOB NOT NULL,            -- birth subject
    play_id TEXT NOT NULL,
    occurrence TEXT NOT NULL,         -- the same for all birth subjects of a person
    at_ms INTEGER NOT NULL,           -- when what set it off happened
    due_at_ms INTEGER NOT NULL,
    next_at_ms INTEGER,               -- when something is to be done about it; NULL: nothing is
    state INTEGER NOT NULL,           -- 1 pending, 2 awaiting review, 3 leased, 4 done, 5 dropped
    reason TEXT NOT NULL,             -- why it was dropped; else ''
    given_at_ms INTEGER,              -- when it was first given out
    decision_id BLOB,                 -- 16 bytes, once something was decided
    approved INTEGER NOT NULL,        -- 1: a human has said yes
    made_at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, play_id, occurrence)
) STRICT, WITHOUT ROWID;
CREATE INDEX firing_due ON firing (play_id, next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX firing_by_decision ON firing (decision_id) WHERE decision_id IS NOT NULL;
CREATE INDEX firing_awaiting ON firing (play_id, due_at_ms) WHERE state = 2;
CREATE INDEX firing_by_age ON firing (made_at_ms);

-- How far the news of events are followed. What was there before the first play is none of theirs.
CREATE TABLE firing_followed (seq INTEGER NOT NULL) STRICT;
INSERT INTO firing_followed SELECT coalesce(max(seq), 0) FROM outbox;

-- How far each walk over everybody is. The position is the first four bytes of a birth subject, so
-- it finds nobody.
CREATE TABLE firing_walk (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,        -- 0 to 2**32; there it has come around
    begun_at_ms INTEGER NOT NULL,
    plays TEXT NOT NULL               -- stands for the triggers it goes by
) STRICT;
