SELECT
    finding.*,
    vehicle.external_id AS vehicle_external_id,
    meter.external_id AS meter_external_id,
    CASE WHEN finding.snoozed_until <= %(now)s THEN 'open' ELSE finding.state END AS current_state
FROM findings AS finding
LEFT JOIN vehicles AS vehicle ON finding.vehicle_id = vehicle.vehicle_id
LEFT JOIN meters AS meter ON finding.meter_id = meter.meter_id
WHERE finding.finding_id = %(finding_id)s
