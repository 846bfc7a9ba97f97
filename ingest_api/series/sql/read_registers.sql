-- What registers of one kind showed, each device's readings encoded as one binary value in order of time, for steps.py.
SELECT
    device.place,
    (
        SELECT string_agg(timestamptz_send(ts) || float8send(kwh), '')
        FROM (
            SELECT ts, kwh
            FROM {readings}
            WHERE
                {device_id} = device.device_id
                AND ts >= device.reads_from AND ts < device.reads_to
                AND ts >= %(window_from)s AND ts < %(window_to)s
            ORDER BY ts
        ) AS reading
    ) AS readings
FROM unnest(
    %(places)s::integer[], %(device_ids)s::integer[], %(reads_from)s::timestamptz[], %(reads_to)s::timestamptz[]
) AS device (place, device_id, reads_from, reads_to)
