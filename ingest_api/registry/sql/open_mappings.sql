INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from, valid_to)
SELECT vehicle_id, meter_id, valid_from, valid_to
FROM unnest(
    %(vehicle_ids)s::integer[], %(meter_ids)s::integer[], %(valid_froms)s::timestamptz[], %(valid_tos)s::timestamptz[]
) AS opened (vehicle_id, meter_id, valid_from, valid_to)
RETURNING mapping_id, vehicle_id, valid_from
