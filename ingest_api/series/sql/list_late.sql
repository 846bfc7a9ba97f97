-- When a device's readings were taken that came in late. late_rows is written by the statement that stores them, so the rows
-- of both tables carry the number of one transaction.
SELECT reading.ts
FROM {readings} AS reading
WHERE
    reading.{device_id} = %(device_id)s
    AND reading.ts >= %(reads_from)s AND reading.ts < %(reads_to)s
    AND reading.xmin IN (
        SELECT late.xmin
        FROM late_rows AS late
        WHERE late.stream = %(stream)s AND late.day BETWEEN %(first_day)s AND %(last_day)s AND NOT late.is_imported
    )
ORDER BY reading.ts DESC
LIMIT %(limit)s
