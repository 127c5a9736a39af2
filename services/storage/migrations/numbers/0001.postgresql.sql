CREATE TABLE number_given (
    name TEXT COLLATE "C" PRIMARY KEY,
    last BIGINT NOT NULL
) WITH (fillfactor = 10);
