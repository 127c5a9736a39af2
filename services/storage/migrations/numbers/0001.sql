-- The last number that was given of each kind. Numbers are given by whoever writes, in the
-- transaction that uses them, so none is missing that was not erased and none is given twice.
CREATE TABLE number_given (
    name TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO number_given SELECT name, seq FROM sqlite_sequence;
