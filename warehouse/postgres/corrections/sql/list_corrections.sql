SELECT
    correction.correction_id,
    coalesce(meter.external_id, vehicle.external_id, correction.device_id::text) AS device,
    correction.kind::text AS kind,
    correction.starts_at,
    correction.ends_at,
    correction.action,
    correction.kwh,
    correction.why,
    correction.who,
    correction.made_at
FROM reading_corrections AS correction
LEFT JOIN meters AS meter ON correction.kind = 'meter' AND correction.device_id = meter.meter_id
LEFT JOIN vehicles AS vehicle ON correction.kind = 'vehicle' AND correction.device_id = vehicle.vehicle_id
WHERE
    correction.correction_id > %(after)s
    AND (
        %(device_id)s::integer IS NULL
        OR correction.kind = %(kind)s::device_kind AND correction.device_id = %(device_id)s
    )
ORDER BY correction.correction_id
LIMIT %(limit)s
