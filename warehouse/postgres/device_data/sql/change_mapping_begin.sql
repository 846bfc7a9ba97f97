-- A device's mappings tell nothing any more of the time before an instant.
WITH ended AS (
    DELETE FROM vehicle_meter_map
    WHERE valid_to <= %(before)s AND CASE %(kind)s WHEN 'meter' THEN meter_id ELSE vehicle_id END = %(device_id)s
)

UPDATE vehicle_meter_map
SET valid_from = %(before)s
WHERE
    valid_from < %(before)s
    AND (valid_to IS NULL OR valid_to > %(before)s)
    AND CASE %(kind)s WHEN 'meter' THEN meter_id ELSE vehicle_id END = %(device_id)s
