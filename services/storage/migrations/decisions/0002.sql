-- That one identity of a person took back what another had drawn. It counts while both are one person;
-- what somebody drew themselves and takes back goes from `boundary`.
CREATE TABLE boundary_lifted (
    subject BLOB NOT NULL,            -- birth subject whose line it is
    channel INTEGER NOT NULL,
    lifted_by BLOB NOT NULL,          -- birth subject of the same person, as they were known then
    lifted_at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, channel, lifted_by)
) STRICT, WITHOUT ROWID;
CREATE INDEX boundary_lifted_by ON boundary_lifted (lifted_by);
