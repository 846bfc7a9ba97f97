-- All that was ever said of these vehicles and of these meters.
SELECT
    mapping.mapping_id,
    vehicle.external_id AS vehicle_id,
    meter.external_id AS meter_id,
    mapping.valid_from,
    mapping.valid_to
FROM vehicle_meter_map AS mapping
INNER JOIN vehicles AS vehicle USING (vehicle_id)
INNER JOIN meters AS meter USING (meter_id)
WHERE vehicle.external_id = any(%(vehicle_ids)s::text[]) OR meter.external_id = any(%(meter_ids)s::text[])
