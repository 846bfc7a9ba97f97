-- One side's readings in the window, each device's encoded as one binary value in order of time, for window_growth.py.
SELECT
    device.side,
    device.device_id,
    (
        SELECT string_agg(timestamptz_send(ts) || float8send(kwh) || float4send(temperature), '')
        FROM (
            SELECT
                ts,
                kwh,
                coalesce({temperature}::real, 'NaN') AS temperature
            FROM {readings}
            WHERE {device_id} = device.device_id AND ts >= %(window_from)s AND ts < %(window_to)s
            ORDER BY ts
        ) AS reading
    ) AS readings
FROM unnest(%(sides)s::text[], %(device_ids)s::integer[]) AS device (side, device_id)
WHERE device.side = {side}
