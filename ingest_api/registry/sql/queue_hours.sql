-- Since null is since always. The closed hours of these devices are to be rewritten; where a device has none, nothing is done.
WITH changed AS (
    SELECT %(kind)s::device_kind AS kind, device_id, since
    FROM unnest(%(device_ids)s::integer[], %(since)s::timestamptz[]) AS changed (device_id, since)
)

INSERT INTO hourly_requests (kind, device_id, since)
SELECT kind, device_id, since
FROM changed
UNION
SELECT 'meter', mapping.meter_id, changed.since
FROM changed
INNER JOIN vehicle_meter_map AS mapping ON changed.kind = 'vehicle' AND changed.device_id = mapping.vehicle_id
WHERE changed.since IS NOT NULL
