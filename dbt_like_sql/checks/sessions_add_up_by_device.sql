-- The sessions of each device add up to the energy that its day tells of sessions.
WITH of_sessions AS (
    SELECT
        'meter' AS kind,
        meter_id AS device_id,
        sum(ac_kwh) AS kwh
    FROM charging_sessions
    WHERE day = getvariable('day') AND ac_kwh IS NOT NULL
    GROUP BY meter_id
    UNION ALL
    SELECT
        'vehicle' AS kind,
        vehicle_id AS device_id,
        sum(dc_kwh) AS kwh
    FROM charging_sessions
    WHERE day = getvariable('day') AND dc_kwh IS NOT NULL
    GROUP BY vehicle_id
),

of_devices AS (
    SELECT
        kind,
        device_id,
        session_kwh
    FROM daily_standby
    WHERE day = getvariable('day')
)

SELECT
    kind,
    device_id,
    of_sessions.kwh,
    of_devices.session_kwh
FROM of_sessions
FULL JOIN of_devices USING (kind, device_id)
WHERE abs(coalesce(of_sessions.kwh, 0) - coalesce(of_devices.session_kwh, 0)) > 1e-6
