-- Each day that the lake has, from the given one on, is to be rebuilt if one of these devices, or a meter that was ever mapped
-- to one of these vehicles, has readings on it. What a dropped day has only the lake knows: it is rebuilt if one ever had any.
WITH affected_meters AS (
    SELECT unnest(%(meter_ids)s::integer[]) AS meter_id
    UNION
    SELECT mapping.meter_id
    FROM vehicle_meter_map AS mapping
    WHERE mapping.vehicle_id = any(%(vehicle_ids)s::integer[])
),

exported AS (
    SELECT
        ledger.day,
        bool_or(ledger.state = 'dropped') AS is_dropped,
        ledger.day::timestamp AT TIME ZONE 'UTC' AS starts_at,
        (ledger.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at
    FROM partition_ledger AS ledger
    WHERE ledger.state IN ('exported', 'dropped') AND ledger.day >= %(first_day)s
    GROUP BY ledger.day
)

INSERT INTO day_builds AS build (day, requested, reason, requested_at)
SELECT
    day,
    1,
    %(reason)s,
    clock_timestamp()
FROM exported
WHERE
    EXISTS (
        SELECT FROM meter_readings AS reading
        INNER JOIN affected_meters USING (meter_id)
        WHERE reading.ts >= exported.starts_at AND reading.ts < exported.ends_at
    )
    OR EXISTS (
        SELECT FROM vehicle_readings AS reading
        WHERE
            reading.vehicle_id = any(%(vehicle_ids)s::integer[])
            AND reading.ts >= exported.starts_at AND reading.ts < exported.ends_at
    )
    OR exported.is_dropped AND (
        EXISTS (SELECT FROM meter_latest INNER JOIN affected_meters USING (meter_id))
        OR EXISTS (SELECT FROM vehicle_latest AS latest WHERE latest.vehicle_id = any(%(vehicle_ids)s::integer[]))
    )
ORDER BY day
ON CONFLICT (day) DO UPDATE SET
    requested = build.requested + 1,
    reason = excluded.reason,
    requested_at = clock_timestamp()
