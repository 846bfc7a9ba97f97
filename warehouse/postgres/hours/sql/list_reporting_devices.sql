SELECT {device_id} AS device_id
FROM {latest}
WHERE ts >= %(since)s
