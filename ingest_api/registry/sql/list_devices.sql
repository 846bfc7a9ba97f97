SELECT
    latest.*,
    device.*
FROM {devices} AS device
LEFT JOIN {latest} AS latest USING ({device_id})
WHERE device.external_id {comparison} %(external_id)s
ORDER BY device.external_id
LIMIT %(limit)s
