-- R5 of data_faults, by vehicle: over its last seven sessions a vehicle took more than its meter counted, by more than both
-- registers err. What only one day says is no proof: its status is in daily_vehicle_efficiency.
SELECT
    faults.vehicle_id,
    vehicles.external_id AS vehicle_external_id,
    [meters.external_id] AS meter_external_ids,
    faults.name AS rule,
    faults.rule_version,
    faults.severity,
    faults.ac_kwh,
    faults.dc_kwh,
    faults.dc_kwh / faults.ac_kwh AS efficiency_ratio,
    faults.observed AS surplus_kwh,
    faults.allowed AS uncertainty_kwh,
    daily.ac_coverage_ratio,
    daily.dc_coverage_ratio,
    daily.partly_mapped
FROM data_faults AS faults
INNER JOIN vehicles
    ON faults.vehicle_id = vehicles.vehicle_id AND vehicles.day = getvariable('day')
INNER JOIN meters
    ON faults.meter_id = meters.meter_id AND meters.day = getvariable('day')
LEFT JOIN daily_vehicle_efficiency AS daily
    ON faults.vehicle_id = daily.vehicle_id AND daily.day = getvariable('day')
WHERE faults.day = getvariable('day') AND faults.rule = 'R5' AND faults.state <> 'closed'
QUALIFY row_number() OVER (PARTITION BY faults.vehicle_id ORDER BY faults.observed DESC, faults.meter_id ASC) = 1
