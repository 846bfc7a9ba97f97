-- The closed days on which readings are corrected are to be built again. What a dropped day has only the lake knows.
INSERT INTO day_builds AS build (day, requested, reason, requested_at)
SELECT
    ledger.day,
    1,
    %(reason)s,
    clock_timestamp()
FROM partition_ledger AS ledger
WHERE
    ledger.stream = %(stream)s
    AND ledger.day BETWEEN %(first_day)s AND %(last_day)s
    AND (ledger.state <> 'open' OR ledger.seal_after <= clock_timestamp())
    AND (
        ledger.state = 'dropped'
        OR EXISTS (
            SELECT FROM {readings} AS reading
            WHERE
                reading.{device_id} = %(device_id)s
                AND reading.ts >= %(starts_at)s AND reading.ts < %(ends_at)s
                AND reading.ts >= ledger.day::timestamp AT TIME ZONE 'UTC'
                AND reading.ts < (ledger.day + 1)::timestamp AT TIME ZONE 'UTC'
        )
    )
ORDER BY ledger.day
ON CONFLICT (day) DO UPDATE SET
    requested = build.requested + 1,
    reason = excluded.reason,
    requested_at = clock_timestamp()
RETURNING build.day
