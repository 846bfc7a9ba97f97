SELECT
    'meter_readings' AS stream,
    (ts AT TIME ZONE 'UTC')::date AS day,
    count(*) AS row_count,
    sum(kwh::numeric) AS kwh
FROM meter_readings
GROUP BY 2
UNION ALL
SELECT
    'vehicle_readings',
    (ts AT TIME ZONE 'UTC')::date,
    count(*),
    sum(kwh::numeric)
FROM vehicle_readings
GROUP BY 2
