-- The devices that have more readings of a day than its hours were written from, and until when that matters: a reading
-- that is now the day's last one changes the step into the next one, on whatever later day that lies. What corrections
-- left out is no part of the hours.
WITH stored AS (
    SELECT {device_id} AS device_id, count(*) AS reading_count
    FROM {readings}
    WHERE ts >= %(starts_at)s AND ts < %(ends_at)s
    GROUP BY {device_id}
),

counting AS (
    SELECT
        device.{device_id} AS device_id,
        (
            SELECT count(*)
            FROM {counting_readings} AS reading
            WHERE
                reading.{device_id} = device.{device_id}
                AND reading.ts >= %(starts_at)s AND reading.ts < %(ends_at)s
        ) AS reading_count
    FROM {devices} AS device
    WHERE device.corrected_until > %(starts_at)s
),

written AS (
    SELECT device_id, sum(reading_count) AS reading_count
    FROM device_hourly
    WHERE kind = %(kind)s::device_kind AND starts_at >= %(starts_at)s AND starts_at < %(ends_at)s
    GROUP BY device_id
)

SELECT
    stored.device_id,
    date_bin('1 day', coalesce(later.ts, %(starts_at)s), '1970-01-01Z') + '1 day'::interval AS ends_at
FROM stored
LEFT JOIN counting USING (device_id)
LEFT JOIN written USING (device_id)
LEFT JOIN LATERAL (
    SELECT reading.ts
    FROM {counting_readings} AS reading
    WHERE reading.{device_id} = stored.device_id AND reading.ts >= %(ends_at)s
    ORDER BY reading.ts
    LIMIT 1
) AS later ON TRUE
WHERE nullif(coalesce(counting.reading_count, stored.reading_count), 0) IS DISTINCT FROM written.reading_count
