-- What people declare of themselves, as far as the recommender may know it. By birth subject and
-- not by number: a number stands for whose events a model was learned from.
CREATE TABLE declared (
    birth BLOB NOT NULL,
    topic INTEGER NOT NULL,           -- 1 category, 2 brand, 3 item, 4 age band
    name TEXT NOT NULL,               -- '' for the age band
    value INTEGER NOT NULL,           -- a like above 0, a dislike below; or the band
    day INTEGER NOT NULL,             -- days since 1970-01-01, UTC
    uses INTEGER NOT NULL,            -- mask of purposes, signed 64 bits
    origin TEXT NOT NULL,
    PRIMARY KEY (birth, topic, name)
) STRICT, WITHOUT ROWID;
