-- Closed days that are not as the lake has them: never exported, dirty, or to be built again. Days without any reading
-- are passed by: there is nothing to seal yet, and a late row changes that.
WITH late AS (
    SELECT stream, day, sum(row_count) AS row_count
    FROM late_rows
    GROUP BY stream, day
),

streams AS (
    SELECT
        ledger.day,
        bool_and(ledger.seal_after <= clock_timestamp()) AS is_closed,
        bool_or(ledger.state IN ('open', 'sealed')) AS is_unexported,
        bool_or(
            ledger.state = 'exported' AND coalesce(late.row_count, 0) <> coalesce(ledger.late_row_count, 0)
        ) AS is_dirty,
        bool_or(ledger.state <> 'open') AS was_sealed,
        max(ledger.version) FILTER (WHERE ledger.stream = 'meter_readings') AS meter_version,
        max(ledger.version) FILTER (WHERE ledger.stream = 'vehicle_readings') AS vehicle_version
    FROM partition_ledger AS ledger
    LEFT JOIN late USING (stream, day)
    GROUP BY ledger.day
)

SELECT
    streams.day,
    streams.meter_version,
    streams.vehicle_version,
    coalesce(build.requested, 0) AS requested,
    coalesce(build.built, 0) AS built,
    coalesce(streams.is_unexported, FALSE) AS is_unexported,
    coalesce(streams.is_dirty, FALSE) AS is_dirty,
    streams.was_sealed
FROM streams
LEFT JOIN day_builds AS build USING (day)
WHERE
    streams.is_closed
    AND (streams.is_unexported OR streams.is_dirty OR coalesce(build.requested > build.built, FALSE))
ORDER BY streams.day
