-- How far the news are announced to those who read them partition by partition, and what tells the
-- announcements of this outbox from those of another.
CREATE TABLE announced (
    producer TEXT NOT NULL,
    seq INTEGER NOT NULL              -- of the outbox; what follows may not have been announced
) STRICT;
INSERT INTO announced VALUES (lower(hex(randomblob(8))), 0);
