-- The rows of a day say how many of its readings were corrected: those that were built before are built again, from the
-- exports as they are.
COMMENT ON COLUMN daily_vehicle_efficiency.flags IS
'How often each flag of the energy rule was raised, and how many readings were corrected; null where none was';

WITH corrected AS (
    SELECT DISTINCT built.day
    FROM lake_files AS built
    INNER JOIN partition_ledger AS ledger ON built.day = ledger.day AND ledger.state IN ('exported', 'dropped')
    INNER JOIN reading_corrections AS correction
        ON
            correction.starts_at < (built.day + 1)::timestamp AT TIME ZONE 'UTC'
            AND correction.ends_at > built.day::timestamp AT TIME ZONE 'UTC'
    WHERE built.dataset = 'daily_vehicle_efficiency'
)

INSERT INTO day_builds AS build (day, requested, reason, requested_at)
SELECT
    day,
    1,
    'it was built before its rows said how many readings were corrected',
    clock_timestamp()
FROM corrected
ORDER BY day
ON CONFLICT (day) DO UPDATE SET
    requested = build.requested + 1,
    reason = excluded.reason,
    requested_at = clock_timestamp();
