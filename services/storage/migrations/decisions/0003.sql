-- What an offer was quoted of, as the call named it; '' where it named nothing, and where nothing was
-- offered. NULL: of a time when it was not kept; such an offer is of whatever its play is asked for.
ALTER TABLE decision ADD COLUMN item_id TEXT;

-- Which of the decisions of a millisecond came first: one process counts its own.
ALTER TABLE decision ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
