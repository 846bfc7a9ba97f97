-- Rule A0, for information: vehicles whose efficiency over the day is below the threshold. One low day proves no
-- fault (a healthy charger has some in a year); rules over sessions decide that.
SELECT
    vehicle_id,
    vehicle_external_id,
    meter_external_ids,
    'A0' AS rule,
    1 AS rule_version,
    'info' AS severity,
    ac_kwh,
    dc_kwh,
    efficiency_ratio,
    lost_against_threshold_kwh,
    ac_coverage_ratio,
    dc_coverage_ratio,
    partly_mapped,
    mean_battery_temp_celsius
FROM daily_vehicle_efficiency
WHERE day = getvariable('day') AND status = 'below_threshold' AND NOT coarse_edge
