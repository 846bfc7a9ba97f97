-- Readings that devices sent late, with when each came in. late_rows is written by the statement that stores them, so the rows
-- of both tables carry the number of one transaction.
SELECT
    reading.{device_id} AS device_id,
    reading.ts,
    reading.kwh,
    late.received_at
FROM {partition} AS reading
INNER JOIN (
    SELECT
        xmin AS stored_by,
        max(stored_at) AS received_at
    FROM late_rows
    WHERE stream = %(stream)s AND day = %(day)s AND NOT is_imported
    GROUP BY xmin
) AS late ON reading.xmin = late.stored_by
