-- The map of people, and what changed in it: who is one person with whom in which view.

-- What the map was when it was last told of; only those that are not alone. A view is a bit; a
-- person's number means nothing beyond that its members have it in common.
CREATE TABLE map_member (
    subject BLOB NOT NULL,
    views INTEGER NOT NULL,
    person INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (subject, views)
) STRICT, WITHOUT ROWID;

-- A merge of several persons into one, or a split of one into several.
CREATE TABLE map_change (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    views INTEGER NOT NULL,
    merges INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;

-- Everybody of the whole, oldest first, and to which of the parts they belong.
CREATE TABLE map_change_member (
    seq INTEGER NOT NULL,
    place INTEGER NOT NULL,
    part INTEGER NOT NULL,
    subject BLOB NOT NULL,
    PRIMARY KEY (seq, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX map_change_of ON map_change_member (subject);
