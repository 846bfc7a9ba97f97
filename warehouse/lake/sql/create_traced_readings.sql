-- The readings of the devices behind a number, while they have a part in it.
CREATE TEMPORARY TABLE all_traced_readings AS
SELECT DISTINCT reading.*
FROM day_readings AS reading
INNER JOIN traced_devices AS device
    ON
        reading.kind = device.kind
        AND reading.device_id = device.device_id
        AND reading.ts >= device.valid_from
        AND reading.ts < device.valid_to
WHERE
    getvariable('hour')::timestamptz IS NULL
    OR (reading.ts >= getvariable('hour')::timestamptz AND reading.ts < getvariable('hour')::timestamptz + interval '1 hour')
