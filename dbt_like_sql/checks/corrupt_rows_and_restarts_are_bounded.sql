-- A reading that was left out books nothing and ends no day, and a restart books at most max_reset_kwh.
-- Tolerance 1e-6 kWh, the energy rule's own.
WITH limits AS (
    SELECT
        'meter' AS kind,
        meter_id AS device_id,
        max_reset_kwh
    FROM meters
    WHERE day = getvariable('day')
    UNION ALL
    SELECT
        'vehicle' AS kind,
        vehicle_id AS device_id,
        max_reset_kwh
    FROM vehicles
    WHERE day = getvariable('day')
)

SELECT
    step.kind,
    step.device_id,
    step.ts,
    step.flag,
    step.energy_kwh,
    limits.max_reset_kwh
FROM flagged_steps AS step
LEFT JOIN limits
    ON step.kind = limits.kind AND step.device_id = limits.device_id
LEFT JOIN device_last AS last_of_day
    ON
        step.kind = last_of_day.kind
        AND step.device_id = last_of_day.device_id
        AND last_of_day.day = getvariable('day')
WHERE
    step.day = getvariable('day')
    AND (
        (step.flag = 'reset' AND step.energy_kwh > limits.max_reset_kwh + 1e-6)
        OR (step.flag = 'glitch' AND (step.energy_kwh <> 0 OR step.ts = last_of_day.ts))
    )
