-- Days that were over before the first reading came in: every row of theirs must have been counted as late.
WITH late_days AS (
    SELECT stream, day FROM partition_ledger WHERE late_after <= %(since)s
),

history AS (
    SELECT 'meter_readings' AS stream, (ts AT TIME ZONE 'UTC')::date AS day FROM meter_readings
    UNION ALL
    SELECT 'vehicle_readings', (ts AT TIME ZONE 'UTC')::date FROM vehicle_readings
),

held AS (
    SELECT stream, day, count(*) AS row_count FROM history GROUP BY stream, day
),

counted AS (
    SELECT stream, day, sum(row_count) AS row_count FROM late_rows GROUP BY stream, day
)

SELECT count(*) AS miscounted
FROM late_days
LEFT JOIN held USING (stream, day)
LEFT JOIN counted USING (stream, day)
WHERE coalesce(held.row_count, 0) <> coalesce(counted.row_count, 0)
