-- A vehicle has no ratio exactly where its status says why, and a ratio is DC over AC.
SELECT
    vehicle_id,
    status,
    ac_kwh,
    dc_kwh,
    efficiency_ratio
FROM daily_vehicle_efficiency
WHERE
    day = getvariable('day')
    AND (
        (efficiency_ratio IS NULL) <> (status IN ('no_readings', 'no_ac', 'shared_meter'))
        OR abs(efficiency_ratio * ac_kwh - dc_kwh) > 1e-6
    )
