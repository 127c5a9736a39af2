-- What a human said yes to last: a digest of what they were shown; NULL: they said yes to nothing yet.
ALTER TABLE firing ADD COLUMN shown BLOB;
