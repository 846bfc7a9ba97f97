-- Partitions whose day ended, and whose last late row came in, longer ago than readings are kept. Those that never took
-- a reading stay: they cost nothing, and there is no export that could vouch for them.
SELECT
    ledger.stream,
    ledger.day
FROM partition_ledger AS ledger
LEFT JOIN LATERAL (
    SELECT max(late.stored_at) AS last_at
    FROM late_rows AS late
    WHERE late.stream = ledger.stream AND late.day = ledger.day
) AS written ON TRUE
WHERE
    ledger.state IN ('sealed', 'exported')
    AND greatest((ledger.day + 1)::timestamp AT TIME ZONE 'UTC', written.last_at) + %(retention)s <= clock_timestamp()
ORDER BY ledger.day, ledger.stream
