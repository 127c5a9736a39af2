-- What an offer was quoted of, as the call named it; '' where it named nothing, and where nothing was
-- offered. NULL: of a time when it was not kept; such an offer is of whatever its play is asked for.
ALTER TABLE decision ADD COLUMN item_id TEXT;
