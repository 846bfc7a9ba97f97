-- All days that the ledger knows, oldest first, and whether any stream of theirs was ever sealed.
SELECT
    day,
    bool_or(state <> 'open') AS was_sealed
FROM partition_ledger
GROUP BY day
ORDER BY day
