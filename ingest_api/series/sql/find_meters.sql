-- The meters of a vehicle in a span, each mapping cut to it; the newest so many.
SELECT
    meter.*,
    greatest(mapping.valid_from, %(window_from)s) AS counts_from,
    coalesce(least(mapping.valid_to, %(window_to)s), %(window_to)s) AS counts_to
FROM vehicle_meter_map AS mapping
INNER JOIN meters AS meter USING (meter_id)
WHERE
    mapping.vehicle_id = %(vehicle_id)s
    AND mapping.valid_from < %(window_to)s
    AND coalesce(mapping.valid_to > %(window_from)s, TRUE)
ORDER BY mapping.valid_from DESC
LIMIT %(limit)s
