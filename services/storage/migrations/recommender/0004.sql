-- What filters, rules and searching ask of an item. Of what was here before, the day since which it is
-- offered is not known; 0 stands for it and is older than every day.
ALTER TABLE item ADD COLUMN price_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN out_of_stock INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN place_cells TEXT NOT NULL DEFAULT '';    -- separated by line feeds
ALTER TABLE item ADD COLUMN languages TEXT NOT NULL DEFAULT '';      -- separated by line feeds
ALTER TABLE item ADD COLUMN age_min_years INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE item ADD COLUMN tags TEXT NOT NULL DEFAULT '';           -- separated by line feeds
ALTER TABLE item ADD COLUMN since_day INTEGER NOT NULL DEFAULT 0;    -- days since 1970-01-01, UTC
ALTER TABLE item ADD COLUMN exclusive INTEGER NOT NULL DEFAULT 0;
