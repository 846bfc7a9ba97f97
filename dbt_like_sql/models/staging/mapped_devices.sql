-- The mappings that hold at some moment of the day, once for each kind of device: the meter that counts the vehicle's AC, and
-- the vehicle itself, whose DC counts in the same time only. So AC and DC are joined to energy in the same way.
WITH mappings AS (
    SELECT
        mapping_id,
        vehicle_id,
        meter_id,
        valid_from,
        valid_to
    FROM vehicle_meter_map
    WHERE
        day = getvariable('day')
        AND valid_from < (getvariable('day') + 1)::TIMESTAMP AT TIME ZONE 'UTC'
        AND (valid_to IS NULL OR valid_to > getvariable('day')::TIMESTAMP AT TIME ZONE 'UTC')
)

SELECT
    mapping_id,
    'meter' AS kind,
    meter_id AS device_id,
    vehicle_id,
    valid_from,
    valid_to
FROM mappings
UNION ALL
SELECT
    mapping_id,
    'vehicle' AS kind,
    vehicle_id AS device_id,
    vehicle_id,
    valid_from,
    valid_to
FROM mappings
