-- Energy is negative only where a register stepped back.
SELECT
    vehicle_id,
    hour,
    ac_kwh,
    dc_kwh,
    efficiency_ratio
FROM hourly_vehicle_efficiency
WHERE day = getvariable('day') AND least(ac_kwh, dc_kwh) < 0 AND dip_count = 0
