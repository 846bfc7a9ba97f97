DELETE FROM device_hourly AS hourly
USING unnest(%(device_ids)s::integer[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[])
    AS span (device_id, starts_at, ends_at)
WHERE
    hourly.kind = %(kind)s::device_kind
    AND hourly.device_id = span.device_id
    AND hourly.starts_at >= span.starts_at AND hourly.starts_at < span.ends_at
    AND hourly.starts_at >= %(first)s AND hourly.starts_at < %(last)s
