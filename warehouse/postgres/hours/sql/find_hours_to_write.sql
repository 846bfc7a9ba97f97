-- Closed hours that are not written, oldest first: the database's clock decides. Days that were dropped are passed by.
SELECT closed.hour
FROM generate_series(
    date_trunc('day', clock_timestamp(), 'UTC') - %(kept)s,
    clock_timestamp() - '1 hour'::interval - %(settling)s,
    '1 hour'::interval
) AS closed (hour)
LEFT JOIN hourly_ledger AS written USING (hour)
WHERE
    written.hour IS NULL
    AND NOT EXISTS (
        SELECT FROM partition_ledger AS ledger
        WHERE ledger.state = 'dropped' AND ledger.day = (closed.hour AT TIME ZONE 'UTC')::date
    )
ORDER BY closed.hour
