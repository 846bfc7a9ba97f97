-- Of each device the readings that an earlier version of the day did not have.
SELECT
    reading.kind,
    reading.device_id,
    count(*) AS late_count
FROM traced_readings AS reading
WHERE NOT EXISTS (
    SELECT 1
    FROM earlier_readings AS earlier
    WHERE earlier.kind = reading.kind AND earlier.device_id = reading.device_id AND earlier.ts = reading.ts
)
GROUP BY reading.kind, reading.device_id
