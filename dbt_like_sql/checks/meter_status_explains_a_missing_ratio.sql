-- A meter has no ratio exactly where its status says why, and a ratio is DC over AC.
SELECT
    meter_id,
    status,
    ac_kwh,
    dc_kwh,
    efficiency_ratio
FROM daily_meter_efficiency
WHERE
    day = getvariable('day')
    AND (
        (efficiency_ratio IS NULL) <> (status IN ('no_readings', 'no_ac'))
        OR abs(efficiency_ratio * ac_kwh - dc_kwh) > 1e-6
    )
