SELECT {device_id} AS device_id
FROM {devices}
WHERE corrected_until IS NOT NULL
