-- The hours of a register that jumped, rolled over, restarted or was replaced add up to the difference of what it showed,
-- but that each such step counts as what was booked for it. hourly_energy_is_conserved holds all the other registers.
-- The two are not one check: each guards its own dataset, and that one must hold without flagged_steps, which this needs.
-- Tolerance 1e-6 kWh, the energy rule's own.
WITH booked AS (
    SELECT
        kind,
        device_id,
        sum(energy_kwh) AS booked_kwh
    FROM hourly_energy
    WHERE day = getvariable('day')
    GROUP BY kind, device_id
    HAVING sum(jump_count + rollover_count + reset_count + rebase_count) > 0
),

restarts AS (
    SELECT
        kind,
        device_id,
        sum(energy_kwh - (kwh - before_kwh)) AS restarted_kwh
    FROM flagged_steps
    WHERE day = getvariable('day') AND flag IN ('jump', 'rollover', 'reset', 'rebase')
    GROUP BY kind, device_id
),

-- As they count, not as they were received.
first_samples AS (
    SELECT
        'meter' AS kind,
        reading.meter_id AS device_id,
        arg_min(coalesce(corrected.kwh, reading.kwh), reading.ts) AS kwh
    FROM meter_readings AS reading
    LEFT JOIN corrected_readings AS corrected
        ON
            corrected.kind = 'meter'
            AND reading.meter_id = corrected.device_id
            AND reading.ts = corrected.ts
            AND reading.day = corrected.day
    WHERE
        reading.day = getvariable('day')
        AND reading.meter_id IN (SELECT booked.device_id FROM booked WHERE booked.kind = 'meter')
        AND (corrected.ts IS NULL OR corrected.kwh IS NOT NULL)
    GROUP BY reading.meter_id
    UNION ALL
    SELECT
        'vehicle' AS kind,
        reading.vehicle_id AS device_id,
        arg_min(coalesce(corrected.kwh, reading.kwh), reading.ts) AS kwh
    FROM vehicle_readings AS reading
    LEFT JOIN corrected_readings AS corrected
        ON
            corrected.kind = 'vehicle'
            AND reading.vehicle_id = corrected.device_id
            AND reading.ts = corrected.ts
            AND reading.day = corrected.day
    WHERE
        reading.day = getvariable('day')
        AND reading.vehicle_id IN (SELECT booked.device_id FROM booked WHERE booked.kind = 'vehicle')
        AND (corrected.ts IS NULL OR corrected.kwh IS NOT NULL)
    GROUP BY reading.vehicle_id
),

boundary AS (
    SELECT
        kind,
        device_id,
        kwh
    FROM carried_samples
    WHERE day = getvariable('day')
),

expected AS (
    SELECT
        last_of_day.kind,
        last_of_day.device_id,
        last_of_day.kwh - coalesce(boundary.kwh, first_samples.kwh) + restarts.restarted_kwh AS expected_kwh
    FROM device_last AS last_of_day
    INNER JOIN first_samples
        ON last_of_day.kind = first_samples.kind AND last_of_day.device_id = first_samples.device_id
    LEFT JOIN boundary
        ON last_of_day.kind = boundary.kind AND last_of_day.device_id = boundary.device_id
    LEFT JOIN restarts
        ON last_of_day.kind = restarts.kind AND last_of_day.device_id = restarts.device_id
    WHERE last_of_day.day = getvariable('day')
)

SELECT
    booked.kind,
    booked.device_id,
    booked.booked_kwh,
    expected.expected_kwh
FROM booked
LEFT JOIN expected
    ON booked.kind = expected.kind AND booked.device_id = expected.device_id
WHERE coalesce(abs(booked.booked_kwh - expected.expected_kwh) > 1e-6, TRUE)
