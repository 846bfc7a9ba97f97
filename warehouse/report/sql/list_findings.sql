-- What is known on the last day, with what people call the devices and why nothing is told of a register.
SELECT
    findings.*,
    vehicles.display_name AS vehicle_name,
    meters.display_name AS meter_name,
    register_verdicts.why_undecided
FROM findings
LEFT JOIN vehicles ON findings.vehicle_id = vehicles.vehicle_id AND findings.day = vehicles.day
LEFT JOIN meters ON findings.meter_id = meters.meter_id AND findings.day = meters.day
LEFT JOIN register_verdicts
    ON findings.finding_id = register_verdicts.finding_id AND findings.day = register_verdicts.day
WHERE findings.day = getvariable('day')
ORDER BY findings.finding_id
