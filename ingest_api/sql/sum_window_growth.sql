-- The quick look at one side of a window: what it booked if its registers only grew, and whether they did. One pass and
-- no sort; where is_plain is false, sum_window_energy.sql applies the whole rule. A gap is no reason to: it is counted.
SELECT
    {side} AS side,
    sum(coalesce(step.growth_kwh, 0)) FILTER (WHERE step.counts) AS energy_kwh,
    count(*) FILTER (WHERE step.counts)::float8 AS readings,
    coalesce(sum(segment.expected_interval_s) FILTER (WHERE step.counts), 0)::float8 AS covered_seconds,
    avg(step.temperature) FILTER (WHERE step.counts) AS avg_battery_temp_celsius,
    count(*) FILTER (WHERE step.counts AND step.seconds > 15 * segment.expected_interval_s) AS gap,
    coalesce(bool_and(
        segment.energy_kind = 'counter'
        AND register_only_grew(step.growth_kwh, step.seconds, segment.max_power_kw)
    ), TRUE) AS is_plain
FROM unnest(
    %(sides)s::text[], %(device_ids)s::integer[], %(energy_kinds)s::text[], %(max_powers_kw)s::float8[],
    %(expected_intervals_s)s::integer[], %(counts_from)s::timestamptz[], %(counts_to)s::timestamptz[]
) AS segment (side, device_id, energy_kind, max_power_kw, expected_interval_s, counts_from, counts_to)
CROSS JOIN LATERAL (
    SELECT
        {temperature}::real AS temperature,
        ts >= segment.counts_from AND ts < segment.counts_to AS counts,
        kwh - lag(kwh) OVER by_time AS growth_kwh,
        date_part('epoch', ts - lag(ts) OVER by_time) AS seconds
    FROM {readings}
    WHERE {device_id} = segment.device_id AND ts >= %(window_from)s AND ts < %(window_to)s
    WINDOW by_time AS (ORDER BY ts)
) AS step
WHERE segment.side = {side}
