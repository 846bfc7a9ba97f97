-- How many readings of these hours corrections left out or gave another value is told as a flag, `corrected`. An hour of
-- which nothing is left has no row.
WITH corrected AS (
    SELECT
        span.device_id,
        (
            SELECT max(hourly.starts_at)
            FROM device_hourly AS hourly
            WHERE
                hourly.kind = %(kind)s::device_kind
                AND hourly.device_id = span.device_id
                AND hourly.starts_at <= reading.ts
                AND hourly.starts_at >= date_bin('1 hour', reading.ts, '1970-01-01Z')
        ) AS starts_at,
        count(*) AS reading_count
    FROM unnest(%(device_ids)s::integer[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[])
        AS span (device_id, starts_at, ends_at)
    INNER JOIN {readings} AS reading
        ON
            span.device_id = reading.{device_id} AND span.starts_at <= reading.ts AND span.ends_at > reading.ts
            AND reading.ts >= %(first)s AND reading.ts < %(last)s
    INNER JOIN LATERAL correction_in_force(%(kind)s::device_kind, span.device_id, reading.ts) AS correction ON TRUE
    WHERE correction.action <> 'restore'
    GROUP BY 1, 2
)

UPDATE device_hourly AS hourly
SET flags = coalesce(hourly.flags, '{{}}') || jsonb_build_object('corrected', corrected.reading_count)
FROM corrected
WHERE
    hourly.kind = %(kind)s::device_kind
    AND hourly.device_id = corrected.device_id
    AND hourly.starts_at = corrected.starts_at
