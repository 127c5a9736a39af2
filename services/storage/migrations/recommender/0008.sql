-- How far into its day an answer was given, so that of two of one day the later counts. Of those kept
-- before it is not known; of equals the more negative counts.
ALTER TABLE declared ADD COLUMN day_ms INTEGER NOT NULL DEFAULT 0;
