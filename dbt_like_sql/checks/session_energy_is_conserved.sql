-- Sessions, standby and energy between are what the register gained, but for what was open before and still is.
-- Tolerance 1e-6 kWh, the energy rule's own.
WITH gained AS (
    SELECT
        kind,
        device_id,
        sum(energy_kwh) AS gained_kwh
    FROM hourly_energy
    WHERE day = getvariable('day')
    GROUP BY kind, device_id
),

told AS (
    SELECT
        kind,
        device_id,
        session_kwh + idle_kwh + between_kwh + carried_out_kwh - carried_in_kwh AS told_kwh
    FROM daily_standby
    WHERE day = getvariable('day')
)

SELECT
    kind,
    device_id,
    told.told_kwh,
    gained.gained_kwh
FROM gained
FULL JOIN told USING (kind, device_id)
WHERE abs(coalesce(told.told_kwh, 0) - coalesce(gained.gained_kwh, 0)) > 1e-6
