-- What few events have (engagement.detail), and '' for all others.
ALTER TABLE event ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- What is known of people and of what they look after: of each thing one value a party.
CREATE TABLE attribute (
    subject BLOB NOT NULL,
    dependent TEXT NOT NULL,          -- '' for the person
    attribute INTEGER NOT NULL,
    party INTEGER NOT NULL,
    value TEXT NOT NULL,              -- '' in a correction: what is known is wrong
    corrected INTEGER NOT NULL,       -- 1: said against what was known; it stays until it is taken back
    origin TEXT NOT NULL,
    agreement TEXT NOT NULL,
    observed_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,            -- NULL: does not expire
    recorded_at_ms INTEGER NOT NULL,
    uses INTEGER NOT NULL,            -- mask of purposes, signed 64 bits
    PRIMARY KEY (subject, dependent, attribute, party)
) STRICT, WITHOUT ROWID;
