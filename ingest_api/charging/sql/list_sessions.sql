-- Newest first, behind a place in that order.
SELECT
    session.*,
    vehicle.external_id AS vehicle_external_id,
    meter.external_id AS meter_external_id
FROM charging_sessions AS session
LEFT JOIN vehicles AS vehicle ON session.vehicle_id = vehicle.vehicle_id
LEFT JOIN meters AS meter ON session.meter_id = meter.meter_id
WHERE
    {chosen}
    AND session.ended_at >= %(since)s::timestamptz
    AND session.ended_at < %(until)s::timestamptz
    AND (session.ended_at, session.session_id) < (%(before_at)s::timestamptz, %(before_id)s::text)
ORDER BY session.ended_at DESC, session.session_id DESC
LIMIT %(limit)s
