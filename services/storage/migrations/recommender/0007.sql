-- The situations an item suits, as the operator says, separated by line feeds.
ALTER TABLE item ADD COLUMN suits TEXT NOT NULL DEFAULT '';
