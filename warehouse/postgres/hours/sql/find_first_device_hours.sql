-- The first hour that is written in each of the spans, which are told by their places.
SELECT span.place, date_bin('1 hour', min(hourly.starts_at), '1970-01-01Z') AS hour
FROM unnest(%(device_ids)s::integer[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[])
    WITH ORDINALITY AS span (device_id, starts_at, ends_at, place)
INNER JOIN device_hourly AS hourly
    ON span.device_id = hourly.device_id AND span.starts_at <= hourly.starts_at AND span.ends_at > hourly.starts_at
WHERE hourly.kind = %(kind)s::device_kind AND hourly.starts_at >= %(first)s AND hourly.starts_at < %(last)s
GROUP BY span.place
