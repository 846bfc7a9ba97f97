-- The newest reading of each stream, by its own time.
SELECT
    'meter_readings' AS dataset,
    max(ts) AS newest_at
FROM meter_latest
UNION ALL
SELECT
    'vehicle_readings',
    max(ts)
FROM vehicle_latest
