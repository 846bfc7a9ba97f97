-- What the file must hold, to the last mWh. Rounded by floor(x + 0.5), which every engine computes alike, and summed as
-- numeric: sums of integers overflow silently elsewhere.
SELECT
    count(*) AS row_count,
    coalesce(sum(floor(kwh * 1e6 + 0.5)::bigint), 0) AS energy_mwh,
    min(ts) AS first_ts,
    max(ts) AS last_ts,
    count(DISTINCT {device_id})::integer AS device_count
FROM {partition}
