-- How often each field was read on each day, over everybody: what is held and never read need not be held.
CREATE TABLE field_read (
    field TEXT NOT NULL,              -- as conditions write it; '' on the day counting began
    day INTEGER NOT NULL,             -- since 1970-01-01, UTC
    reads INTEGER NOT NULL,
    PRIMARY KEY (field, day)
) STRICT, WITHOUT ROWID;
