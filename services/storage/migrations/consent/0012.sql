-- What a process that stands by reads on by: the epoch that an edge last changed at, and a name of these
-- tables, which a restore gives anew, for nothing read before goes on in restored ones.
ALTER TABLE edges ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
CREATE INDEX edges_by_epoch ON edges (epoch);
ALTER TABLE authority ADD COLUMN history TEXT NOT NULL DEFAULT '';

-- Whose refusal a grant names, and who was erased since an epoch.
CREATE INDEX refusals_by_event ON records (event_id) WHERE action IN ('REFUSE', 'WITHDRAW');
CREATE INDEX erasure_run_by_epoch ON erasure_run (epoch);
