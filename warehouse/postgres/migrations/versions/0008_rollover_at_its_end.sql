-- A register rolls over where it is declared to, and nowhere above: only steps of counters that declare where can have been
-- booked otherwise. Each exported day on which one of them has readings is built anew, from the exports as they are; of a
-- dropped day only the lake knows who has any, so it is built anew if one of them ever had. One statement, which tells the days.
WITH exported AS (
    SELECT
        day,
        bool_or(state = 'dropped') AS is_dropped,
        day::timestamp AT TIME ZONE 'UTC' AS starts_at,
        (day + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at
    FROM partition_ledger
    WHERE state IN ('exported', 'dropped')
    GROUP BY day
),

rolling_meters AS (
    SELECT device.meter_id
    FROM meters AS device
    INNER JOIN meter_latest USING (meter_id)
    WHERE device.rollover_kwh IS NOT NULL AND device.energy_kind = 'counter'
),

rolling_vehicles AS (
    SELECT device.vehicle_id
    FROM vehicles AS device
    INNER JOIN vehicle_latest USING (vehicle_id)
    WHERE device.rollover_kwh IS NOT NULL AND device.energy_kind = 'counter'
),

-- And the hours that the rule of before called a rollover: no other can differ.
requested_hours AS (
    INSERT INTO hourly_requests (kind, device_id)
    SELECT DISTINCT
        kind,
        device_id
    FROM device_hourly
    WHERE flags ? 'rollover'
),

requested_days AS (
    INSERT INTO day_builds AS build (day, requested, reason, requested_at)
    SELECT
        exported.day,
        1,
        'the energy rule changed: a register that shows more than its rolloverKwh does not roll over there',
        clock_timestamp()
    FROM exported
    WHERE
        exported.is_dropped AND (EXISTS (SELECT FROM rolling_meters) OR EXISTS (SELECT FROM rolling_vehicles))
        -- A limit keeps these a look into the index for each device, however many readings a day has.
        OR EXISTS (
            SELECT FROM rolling_meters
            CROSS JOIN LATERAL (
                SELECT FROM meter_readings AS reading
                WHERE
                    reading.meter_id = rolling_meters.meter_id
                    AND reading.ts >= exported.starts_at AND reading.ts < exported.ends_at
                ORDER BY reading.ts
                LIMIT 1
            ) AS of_the_day
        )
        OR EXISTS (
            SELECT FROM rolling_vehicles
            CROSS JOIN LATERAL (
                SELECT FROM vehicle_readings AS reading
                WHERE
                    reading.vehicle_id = rolling_vehicles.vehicle_id
                    AND reading.ts >= exported.starts_at AND reading.ts < exported.ends_at
                ORDER BY reading.ts
                LIMIT 1
            ) AS of_the_day
        )
    ORDER BY exported.day
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
