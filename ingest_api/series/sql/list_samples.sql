-- What else one device measured at these instants, at which it has readings.
SELECT reading.*
FROM unnest(%(instants)s::timestamptz[]) AS wanted (ts)
CROSS JOIN LATERAL (
    SELECT *
    FROM {readings} AS history
    WHERE
        history.{device_id} = %(device_id)s
        AND history.ts = wanted.ts
        AND history.ts >= %(reads_from)s AND history.ts < %(reads_to)s
    ORDER BY history.ts
    LIMIT 1
) AS reading
