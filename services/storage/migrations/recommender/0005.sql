-- Who may see an exclusive item. By birth subject and not by number: a number stands for whose
-- events a model was learned from.
CREATE TABLE entitlement (
    birth BLOB NOT NULL,
    item INTEGER NOT NULL,
    until_ms INTEGER,                 -- NULL: until it is withdrawn
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (birth, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX entitlement_by_age ON entitlement (at_ms);
