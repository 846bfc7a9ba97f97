-- Devices that were registered before an instant and have not reported since, and whether a mapping speaks of them.
SELECT
    device.{device_id},
    device.external_id,
    device.registered_at,
    latest.ts,
    device.{device_id} IN (SELECT {device_id} FROM vehicle_meter_map) AS is_mapped
FROM {devices} AS device
LEFT JOIN {latest} AS latest USING ({device_id})
WHERE
    device.registered_at < %(before)s
    AND (latest.{device_id} IS NULL OR (latest.ts < %(before)s AND latest.received_at < %(before)s))
    AND (%(device_ids)s::integer[] IS NULL OR device.{device_id} = any(%(device_ids)s))
ORDER BY device.{device_id}
