DELETE FROM vehicle_meter_map
WHERE mapping_id = %(mapping_id)s
