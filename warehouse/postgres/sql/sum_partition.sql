-- What the file must hold, to the last mWh. Rounded by floor(x + 0.5), which every engine computes alike, and summed as
-- numeric: sums of integers overflow silently elsewhere. Devices are counted from one to the next along the primary key.
WITH RECURSIVE devices (device_id) AS (
    SELECT min({device_id}) FROM {partition}
    UNION ALL
    SELECT (SELECT min({device_id}) FROM {partition} WHERE {device_id} > devices.device_id)
    FROM devices
    WHERE devices.device_id IS NOT NULL
)

SELECT
    count(*) AS row_count,
    coalesce(sum(floor(kwh * 1e6 + 0.5)::bigint), 0) AS energy_mwh,
    min(ts) AS first_ts,
    max(ts) AS last_ts,
    (SELECT count(device_id)::integer FROM devices) AS device_count
FROM {partition}
