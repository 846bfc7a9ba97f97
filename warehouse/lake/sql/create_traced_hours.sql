-- The hours of the devices behind a number, while they have a part in it; of one hour where the number is of one.
CREATE TEMPORARY TABLE all_traced_hours AS
SELECT DISTINCT energy.*
FROM hourly_energy AS energy
INNER JOIN traced_devices AS device
    ON
        energy.kind = device.kind
        AND energy.device_id = device.device_id
        AND energy.segment_from >= device.valid_from
        AND energy.segment_from < device.valid_to
WHERE getvariable('hour')::timestamptz IS NULL OR energy.hour = getvariable('hour')::timestamptz
