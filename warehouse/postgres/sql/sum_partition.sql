-- What the file must hold, to the last mWh. Rounded by floor(x + 0.5), which every engine computes alike, and summed as
-- numeric: sums of integers overflow silently elsewhere. The devices are counted from one to the next along the primary key:
-- count(DISTINCT) would sort all rows, and keep PostgreSQL from reading them by several processes.
WITH RECURSIVE devices AS (
    (
        SELECT {device_id} AS device_id
        FROM {partition}
        ORDER BY {device_id}
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT next.{device_id}
        FROM {partition} AS next
        WHERE next.{device_id} > devices.device_id
        ORDER BY next.{device_id}
        LIMIT 1
    )
    FROM devices
    WHERE devices.device_id IS NOT NULL
)

SELECT
    count(*) AS row_count,
    coalesce(sum(floor(kwh * 1e6 + 0.5)::bigint), 0) AS energy_mwh,
    min(ts) AS first_ts,
    max(ts) AS last_ts,
    (SELECT count(devices.device_id) FROM devices)::integer AS device_count
FROM {partition}
