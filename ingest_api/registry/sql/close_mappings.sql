UPDATE vehicle_meter_map AS mapping
SET valid_to = closed.valid_to
FROM unnest(%(mapping_ids)s::bigint[], %(valid_tos)s::timestamptz[]) AS closed (mapping_id, valid_to)
WHERE mapping.mapping_id = closed.mapping_id
