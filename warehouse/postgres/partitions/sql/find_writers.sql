-- Transactions that may have written to this table and not yet said how it ends.
SELECT DISTINCT virtualtransaction
FROM pg_locks
WHERE relation = %(parent)s::regclass AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
