-- Which view each bit of the map of people stands for: under other views it begins anew.
CREATE TABLE map_view (
    bit  INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

-- Retention finds by age how far the changes of the map are to go.
CREATE INDEX map_change_by_age ON map_change (at_ms);
