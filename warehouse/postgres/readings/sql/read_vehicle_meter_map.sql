SELECT mapping_id, vehicle_id, meter_id, valid_from, valid_to
FROM vehicle_meter_map
