-- What evaluations found: figures over people, of nobody. The key says whose request it was.
CREATE TABLE evaluation (
    key TEXT PRIMARY KEY,
    made_at_ms INTEGER NOT NULL,
    model_version TEXT NOT NULL,
    report TEXT NOT NULL              -- JSON
) STRICT;
CREATE INDEX evaluation_by_age ON evaluation (made_at_ms);
