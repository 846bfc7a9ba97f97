-- What waits for the digest, with its finding as it is now.
SELECT
    event.event_id,
    event.event,
    event.actor,
    event.note,
    event.happened_at,
    meter.external_id AS meter,
    vehicle.external_id AS vehicle,
    to_jsonb(finding) || jsonb_build_object(
        'current_state', CASE WHEN finding.snoozed_until <= %(now)s THEN 'open' ELSE finding.state END
    ) AS finding
FROM alert_events AS handled
INNER JOIN finding_events AS event ON handled.event_id = event.event_id
INNER JOIN findings AS finding ON event.finding_id = finding.finding_id
LEFT JOIN meters AS meter ON finding.meter_id = meter.meter_id
LEFT JOIN vehicles AS vehicle ON finding.vehicle_id = vehicle.vehicle_id
WHERE handled.outcome = 'to_digest'
ORDER BY event.event_id
