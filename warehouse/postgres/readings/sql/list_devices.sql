SELECT
    external_id,
    {device_id}
FROM {devices}
ORDER BY {device_id} DESC
LIMIT %(most)s
