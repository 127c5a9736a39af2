-- Whose turn it is to serve these tables: counted up by every process that takes its turn. What an earlier
-- turn writes is refused. A file needs none: the folder's lock goes with the process.
CREATE TABLE turn (
    number INTEGER NOT NULL
) STRICT;
INSERT INTO turn VALUES (0);
