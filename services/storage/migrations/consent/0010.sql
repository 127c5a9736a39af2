-- A receipt counts only when the log of changes, which still held the erased, was cut afterwards. Of
-- receipts kept before it is not known: they are cut for once more when their process begins.
ALTER TABLE erasure_run ADD COLUMN log_cut INTEGER NOT NULL DEFAULT 0;
