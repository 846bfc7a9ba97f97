-- What some pages at a time of a stream's day amount to, to the last mWh, and their rows where {encoded_rows} says so.
-- Rounded by floor(x + 0.5), which every engine computes alike, and summed as numeric: sums of integers overflow silently
-- elsewhere.
SELECT counted.row_count, counted.energy_mwh, counted.first_ts, counted.last_ts, counted.encoded_rows
FROM generate_series(0, pg_relation_size(%(table)s::regclass) / current_setting('block_size')::bigint, %(pages)s) AS page
CROSS JOIN LATERAL (
    SELECT
        count(*) AS row_count,
        coalesce(sum(floor(kwh * 1e6 + 0.5)::bigint), 0) AS energy_mwh,
        min(ts) AS first_ts,
        max(ts) AS last_ts,
        {encoded_rows} AS encoded_rows
    FROM {partition}
    WHERE ctid >= ('(' || page || ',0)')::tid AND ctid < ('(' || page + %(pages)s || ',0)')::tid
) AS counted
