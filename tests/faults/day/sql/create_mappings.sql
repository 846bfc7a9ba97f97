-- Each vehicle at the meter of its number, but for the first two: they change places in the first day's noon.
INSERT INTO vehicle_meter_map (vehicle_id, meter_id, valid_from, valid_to)
SELECT number, number, '1970-01-01Z', CASE WHEN number <= 2 THEN %(noon)s::timestamptz END
FROM generate_series(1, %(devices)s) AS number
UNION ALL
SELECT number, 3 - number, %(noon)s, NULL
FROM generate_series(1, 2) AS number
