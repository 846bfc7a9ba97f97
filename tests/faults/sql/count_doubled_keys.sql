-- Read from the heap: the unique index that should rule them out is not asked.
SELECT count(*) AS doubled
FROM (
    SELECT 1 FROM meter_readings GROUP BY meter_id, ts HAVING count(*) > 1
    UNION ALL
    SELECT 1 FROM vehicle_readings GROUP BY vehicle_id, ts HAVING count(*) > 1
) AS found
