-- From one device to the next along the primary key: a hundredth of what it takes to sort the device of each reading.
WITH RECURSIVE devices (device_id) AS (
    SELECT min({device_id}) FROM {partition}
    UNION ALL
    SELECT (SELECT min({device_id}) FROM {partition} WHERE {device_id} > devices.device_id)
    FROM devices
    WHERE devices.device_id IS NOT NULL
)

SELECT count(device_id) FROM devices
