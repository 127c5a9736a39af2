-- How far each partition of the feed of events is applied. Who reads the feed as one reads on from the
-- least of them.
CREATE TABLE feed_cursor (
    partition INTEGER PRIMARY KEY,
    cursor INTEGER NOT NULL
) STRICT;
INSERT INTO feed_cursor
SELECT number, cursor FROM state
CROSS JOIN (SELECT 0 AS number UNION SELECT 1 UNION SELECT 2 UNION SELECT 3
            UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7) AS partitions;
ALTER TABLE state DROP COLUMN cursor;
