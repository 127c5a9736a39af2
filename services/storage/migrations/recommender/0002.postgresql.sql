-- Retention counts from the day an event was recorded. For what was here before, that day is not
-- known and the day of this migration stands for it.
ALTER TABLE event ADD COLUMN recorded_day BIGINT NOT NULL DEFAULT 0;
UPDATE event SET recorded_day = extract(epoch FROM now())::bigint / 86400;
