-- How far the news are announced to those who read them partition by partition, and what tells the
-- announcements of this outbox from those of another.
CREATE TABLE announced (
    producer TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL               -- of the outbox; what follows may not have been announced
);
INSERT INTO announced VALUES (substr(replace(gen_random_uuid()::text, '-', ''), 1, 16), 0);
