-- Events that nobody has looked at, with their finding as it is now, what people know of it, and what it was before the event.
SELECT
    event.event_id,
    event.event,
    event.actor,
    event.note,
    event.happened_at,
    before.event AS event_before,
    (before.details ->> 'until')::timestamptz AS snoozed_until_before,
    known.event AS told_event,
    worse.event_id IS NOT NULL AS is_told_worse_today,
    meter.external_id AS meter,
    vehicle.external_id AS vehicle,
    to_jsonb(finding) || jsonb_build_object(
        'current_state', CASE WHEN finding.snoozed_until <= %(now)s THEN 'open' ELSE finding.state END
    ) AS finding
FROM untold_events AS untold
INNER JOIN finding_events AS event ON untold.event_id = event.event_id
INNER JOIN findings AS finding ON event.finding_id = finding.finding_id
LEFT JOIN meters AS meter ON finding.meter_id = meter.meter_id
LEFT JOIN vehicles AS vehicle ON finding.vehicle_id = vehicle.vehicle_id
LEFT JOIN LATERAL (
    SELECT
        earlier.event,
        earlier.details
    FROM finding_events AS earlier
    WHERE
        earlier.finding_id = event.finding_id
        AND earlier.event_id < event.event_id
        AND earlier.event IN ('opened', 'reopened', 'resolved', 'acknowledged', 'snoozed', 'accepted')
    ORDER BY earlier.event_id DESC
    LIMIT 1
) AS before ON TRUE
LEFT JOIN LATERAL (
    SELECT earlier.event
    FROM alert_events AS seen
    INNER JOIN finding_events AS earlier ON seen.event_id = earlier.event_id
    WHERE seen.finding_id = event.finding_id AND seen.outcome IN ('told', 'storm')
    ORDER BY seen.event_id DESC
    LIMIT 1
) AS known ON TRUE
LEFT JOIN LATERAL (
    SELECT seen.event_id
    FROM alert_events AS seen
    INNER JOIN finding_events AS earlier ON seen.event_id = earlier.event_id
    WHERE
        seen.finding_id = event.finding_id
        AND seen.outcome IN ('told', 'storm')
        AND seen.handled_at >= %(midnight)s
        AND earlier.event = 'worse'
    ORDER BY seen.event_id
    LIMIT 1
) AS worse ON TRUE
ORDER BY event.event_id
LIMIT %(most)s
