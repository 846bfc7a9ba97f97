SELECT
    mapping.mapping_id,
    vehicle.external_id AS vehicle_id,
    meter.external_id AS meter_id,
    mapping.valid_from,
    mapping.valid_to
FROM vehicle_meter_map AS mapping
INNER JOIN vehicles AS vehicle USING (vehicle_id)
INNER JOIN meters AS meter USING (meter_id)
WHERE
    mapping.mapping_id > %(after)s
    AND (%(vehicle_id)s::text IS NULL OR vehicle.external_id = %(vehicle_id)s)
    AND (%(meter_id)s::text IS NULL OR meter.external_id = %(meter_id)s)
ORDER BY mapping.mapping_id
LIMIT %(limit)s
