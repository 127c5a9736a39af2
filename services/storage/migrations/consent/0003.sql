-- The term of the authority that may write, and whose leases may be out. An authority that
-- begins counts the term up; writes of an earlier term are refused from then on.
ALTER TABLE authority ADD COLUMN term INTEGER NOT NULL DEFAULT 0;

CREATE TABLE lease_holders (
    holder BLOB PRIMARY KEY
) WITHOUT ROWID;
