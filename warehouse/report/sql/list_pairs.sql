-- How many sessions of each pair tell of its losses, as far as they are looked back on.
SELECT
    vehicle_id,
    meter_id,
    count(*) AS session_count,
    min(day) AS first_day
FROM loss_samples
WHERE day > getvariable('history_from')
GROUP BY vehicle_id, meter_id
ORDER BY vehicle_id, meter_id
