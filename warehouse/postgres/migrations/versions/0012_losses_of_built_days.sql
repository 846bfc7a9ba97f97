-- Each built day without a file of one of these datasets is built anew, from the exports as they are. They go on from day to
-- day, and queued days are run oldest first. One statement, which tells the days.
WITH incomplete AS (
    SELECT built.day
    FROM lake_files AS built
    INNER JOIN partition_ledger AS ledger ON built.day = ledger.day AND ledger.state IN ('exported', 'dropped')
    CROSS JOIN unnest(ARRAY['charging_sessions', 'data_faults', 'loss_sources']) AS needed (dataset)
    LEFT JOIN lake_files AS made ON built.day = made.day AND needed.dataset = made.dataset
    WHERE built.dataset = 'hourly_energy' AND made.day IS NULL
    GROUP BY built.day
),

requested_days AS (
    INSERT INTO day_builds AS build (day, requested, reason, requested_at)
    SELECT
        day,
        1,
        'it was built before there were sessions, data faults and losses',
        clock_timestamp()
    FROM incomplete
    ORDER BY day
    ON CONFLICT (day) DO UPDATE SET
        requested = build.requested + 1,
        reason = excluded.reason,
        requested_at = clock_timestamp()
    RETURNING build.day
)

SELECT
    count(*) AS days,
    min(day) AS first_day,
    max(day) AS last_day
FROM requested_days
