-- The idle power of some meters by day, watts.
SELECT
    device_id AS meter_id,
    day,
    idle_watts
FROM daily_standby
WHERE kind = 'meter' AND list_contains(getvariable('meter_ids'), device_id)
ORDER BY meter_id, day
