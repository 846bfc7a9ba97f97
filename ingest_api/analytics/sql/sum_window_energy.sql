-- The energy rule over one window: what each side (ac, dc) booked while its mapping held.
-- A row of `segment` is one device and one span of time. A step is computed from all samples of the window and
-- belongs to the segment that holds its later sample. classify_steps.sql says what a step books.
SELECT
    segment.side,
    sum(step.energy_kwh) AS energy_kwh,
    sum(segment.expected_interval_s)::float8 AS covered_seconds,
    avg(step.battery_temp_celsius) AS avg_battery_temp_celsius,
    count(*) FILTER (WHERE step.step_class = 'glitch') AS glitch,
    count(*) FILTER (WHERE step.step_class = 'dip') AS dip,
    count(*) FILTER (WHERE step.step_class = 'jump') AS jump,
    count(*) FILTER (WHERE step.step_class = 'rollover') AS rollover,
    count(*) FILTER (WHERE step.step_class = 'reset') AS reset,
    count(*) FILTER (WHERE step.step_class = 'rebase') AS rebase,
    count(*) FILTER (WHERE step.is_gap) AS gap
FROM unnest(
    %(sides)s::text[], %(device_ids)s::integer[], %(energy_kinds)s::text[], %(max_powers_kw)s::float8[],
    %(rollovers_kwh)s::float8[], %(max_resets_kwh)s::float8[], %(expected_intervals_s)s::integer[],
    %(counts_from)s::timestamptz[], %(counts_to)s::timestamptz[]
) AS segment (
    side, device_id, energy_kind, max_power_kw, rollover_kwh, max_reset_kwh, expected_interval_s, counts_from, counts_to
)
CROSS JOIN LATERAL (
    WITH samples AS (
        SELECT ts, date_part('epoch', ts) AS epoch_s, kwh, NULL::real AS battery_temp_celsius
        FROM {meter_readings}
        WHERE segment.side = 'ac' AND meter_id = segment.device_id
            AND ts >= %(window_from)s AND ts < %(window_to)s
        UNION ALL
        SELECT ts, date_part('epoch', ts), kwh, battery_temp_celsius
        FROM {vehicle_readings}
        WHERE segment.side = 'dc' AND vehicle_id = segment.device_id
            AND ts >= %(window_from)s AND ts < %(window_to)s
    )

    SELECT classified.* FROM ({classified_steps}) AS classified
) AS step
WHERE step.ts >= segment.counts_from AND step.ts < segment.counts_to
GROUP BY segment.side
