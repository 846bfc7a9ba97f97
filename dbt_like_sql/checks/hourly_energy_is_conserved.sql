-- Each device's hours add up to what its register shows at the day's end less what it showed before the day.
-- A register that was replaced, restarted or rolled over is left out: its increase is not that difference. A device that
-- was never heard of before begins from its first sample; one that reports intervals has the sum of them.
-- Tolerance 1e-6 kWh, the energy rule's own: differences of one register telescope, so float64 loses next to nothing.
WITH booked AS (
    SELECT
        kind,
        device_id,
        sum(energy_kwh) AS booked_kwh
    FROM hourly_energy
    WHERE day = getvariable('day')
    GROUP BY kind, device_id
    HAVING sum(jump_count + rollover_count + reset_count + rebase_count) = 0
),

energy_kinds AS (
    SELECT
        'meter' AS kind,
        meter_id AS device_id,
        energy_kind
    FROM meters
    WHERE day = getvariable('day')
    UNION ALL
    SELECT
        'vehicle' AS kind,
        vehicle_id AS device_id,
        energy_kind
    FROM vehicles
    WHERE day = getvariable('day')
),

boundary AS (
    SELECT
        kind,
        device_id,
        kwh
    FROM carried_samples
    WHERE day = getvariable('day')
),

-- Only these need a look at the readings themselves, which are many.
read_devices AS (
    SELECT
        energy_kinds.kind,
        energy_kinds.device_id
    FROM energy_kinds
    LEFT JOIN boundary
        ON energy_kinds.kind = boundary.kind AND energy_kinds.device_id = boundary.device_id
    WHERE boundary.device_id IS NULL OR energy_kinds.energy_kind = 'interval'
),

-- As they count, not as they were received.
read_samples AS (
    SELECT
        'meter' AS kind,
        reading.meter_id AS device_id,
        arg_min(coalesce(corrected.kwh, reading.kwh), reading.ts) AS first_kwh,
        sum(coalesce(corrected.kwh, reading.kwh)) AS sum_kwh
    FROM meter_readings AS reading
    LEFT JOIN corrected_readings AS corrected
        ON
            corrected.kind = 'meter'
            AND reading.meter_id = corrected.device_id
            AND reading.ts = corrected.ts
            AND reading.day = corrected.day
    WHERE
        reading.day = getvariable('day')
        AND reading.meter_id IN (SELECT read_devices.device_id FROM read_devices WHERE read_devices.kind = 'meter')
        AND (corrected.ts IS NULL OR corrected.kwh IS NOT NULL)
    GROUP BY reading.meter_id
    UNION ALL
    SELECT
        'vehicle' AS kind,
        reading.vehicle_id AS device_id,
        arg_min(coalesce(corrected.kwh, reading.kwh), reading.ts) AS first_kwh,
        sum(coalesce(corrected.kwh, reading.kwh)) AS sum_kwh
    FROM vehicle_readings AS reading
    LEFT JOIN corrected_readings AS corrected
        ON
            corrected.kind = 'vehicle'
            AND reading.vehicle_id = corrected.device_id
            AND reading.ts = corrected.ts
            AND reading.day = corrected.day
    WHERE
        reading.day = getvariable('day')
        AND reading.vehicle_id IN (SELECT read_devices.device_id FROM read_devices WHERE read_devices.kind = 'vehicle')
        AND (corrected.ts IS NULL OR corrected.kwh IS NOT NULL)
    GROUP BY reading.vehicle_id
),

expected AS (
    SELECT
        last_of_day.kind,
        last_of_day.device_id,
        CASE
            WHEN energy_kinds.energy_kind = 'interval' THEN read_samples.sum_kwh
            ELSE last_of_day.kwh - coalesce(boundary.kwh, read_samples.first_kwh)
        END AS expected_kwh
    FROM device_last AS last_of_day
    INNER JOIN energy_kinds
        ON last_of_day.kind = energy_kinds.kind AND last_of_day.device_id = energy_kinds.device_id
    LEFT JOIN boundary
        ON last_of_day.kind = boundary.kind AND last_of_day.device_id = boundary.device_id
    LEFT JOIN read_samples
        ON last_of_day.kind = read_samples.kind AND last_of_day.device_id = read_samples.device_id
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
