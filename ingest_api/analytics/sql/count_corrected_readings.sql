-- How many readings of the window a correction left out, or gave another value. A row of `segment` is one device and the
-- span of time in which it counts.
SELECT count(*) AS corrected
FROM unnest(%(sides)s::text[], %(device_ids)s::integer[], %(counts_from)s::timestamptz[], %(counts_to)s::timestamptz[])
    AS segment (side, device_id, counts_from, counts_to)
CROSS JOIN LATERAL (
    SELECT 'meter'::device_kind AS kind, meter_id AS device_id, ts
    FROM meter_readings
    WHERE segment.side = 'ac' AND meter_id = segment.device_id
        AND ts >= segment.counts_from AND ts < segment.counts_to
        AND ts >= %(window_from)s AND ts < %(window_to)s
    UNION ALL
    SELECT 'vehicle', vehicle_id, ts
    FROM vehicle_readings
    WHERE segment.side = 'dc' AND vehicle_id = segment.device_id
        AND ts >= segment.counts_from AND ts < segment.counts_to
        AND ts >= %(window_from)s AND ts < %(window_to)s
) AS reading
INNER JOIN LATERAL correction_in_force(reading.kind, reading.device_id, reading.ts) AS correction ON TRUE
WHERE correction.action <> 'restore'
