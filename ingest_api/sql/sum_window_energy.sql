-- The energy rule over one window: what each side (ac, dc) booked while its mapping held.
-- A row of `segment` is one device and one stretch of time. A step is computed from all samples of the window and
-- belongs to the stretch that holds its later sample. warehouse/contract/energy.py is the plain reference.
SELECT
    segment.side,
    sum(step.energy_kwh) AS energy_kwh,
    count(*)::float8 AS readings,
    sum(segment.expected_interval_s)::float8 AS covered_seconds,
    avg(step.battery_temp_celsius) AS avg_battery_temp_celsius,
    count(*) FILTER (WHERE step.judgement = 'glitch') AS glitch,
    count(*) FILTER (WHERE step.judgement = 'dip') AS dip,
    count(*) FILTER (WHERE step.judgement = 'jump') AS jump,
    count(*) FILTER (WHERE step.judgement = 'rollover') AS rollover,
    count(*) FILTER (WHERE step.judgement = 'reset') AS reset,
    count(*) FILTER (WHERE step.judgement = 'rebase') AS rebase,
    count(*) FILTER (WHERE step.is_gap) AS gap
FROM unnest(
    %(sides)s::text[], %(device_ids)s::integer[], %(energy_kinds)s::text[], %(max_powers_kw)s::float8[],
    %(rollovers_kwh)s::float8[], %(expected_intervals_s)s::integer[],
    %(counts_from)s::timestamptz[], %(counts_to)s::timestamptz[]
) AS segment (
    side, device_id, energy_kind, max_power_kw, rollover_kwh, expected_interval_s, counts_from, counts_to
)
CROSS JOIN LATERAL (
    WITH samples AS (
        SELECT ts, date_part('epoch', ts) AS epoch_s, kwh, NULL::real AS battery_temp_celsius
        FROM meter_readings
        WHERE segment.side = 'ac' AND meter_id = segment.device_id
            AND ts >= %(window_from)s AND ts < %(window_to)s
        UNION ALL
        SELECT ts, date_part('epoch', ts), kwh, battery_temp_celsius
        FROM vehicle_readings
        WHERE segment.side = 'dc' AND vehicle_id = segment.device_id
            AND ts >= %(window_from)s AND ts < %(window_to)s
    ),

    neighbours AS (
        SELECT
            *,
            lag(kwh) OVER by_time AS before_kwh,
            lead(kwh) OVER by_time AS next_kwh,
            lag(epoch_s) OVER by_time AS before_s,
            lead(epoch_s) OVER by_time AS next_s
        FROM samples
        WINDOW by_time AS (ORDER BY ts)
    ),

    -- A corrupt row is out of reach of its predecessor, while its successor on the same day is within it.
    judged AS (
        SELECT
            ts,
            epoch_s,
            kwh,
            battery_temp_celsius,
            coalesce(
                NOT register_reaches(before_kwh, kwh, epoch_s - before_s, segment.max_power_kw)
                AND segment.max_power_kw IS NOT NULL AND segment.energy_kind = 'counter'
                AND floor(epoch_s / 86400) = floor(next_s / 86400)
                AND register_reaches(before_kwh, next_kwh, next_s - before_s, segment.max_power_kw),
                FALSE
            ) AS is_glitch
        FROM neighbours
    ),

    -- Partitioned by it, the corrupt rows are left out of each other's and everyone's neighbourhood.
    kept AS (
        SELECT
            *,
            lag(kwh) OVER by_time AS before_kwh,
            epoch_s - lag(epoch_s) OVER by_time AS seconds
        FROM judged
        WINDOW by_time AS (PARTITION BY is_glitch ORDER BY ts)
    ),

    steps AS (
        SELECT
            *,
            CASE
                WHEN is_glitch THEN 'glitch'
                WHEN segment.energy_kind = 'interval' THEN 'interval'
                WHEN before_kwh IS NULL THEN 'first'
                WHEN register_reaches(before_kwh, kwh, seconds, segment.max_power_kw)
                    THEN CASE WHEN kwh < before_kwh THEN 'dip' ELSE 'growth' END
                WHEN kwh - before_kwh > register_cap_kwh(seconds, segment.max_power_kw) + 1e-6 THEN 'jump'
                WHEN before_kwh >= 0.9 * segment.rollover_kwh - 1e-6 AND kwh <= 0.1 * segment.rollover_kwh + 1e-6
                    AND segment.rollover_kwh - before_kwh + kwh
                    <= register_cap_kwh(seconds, segment.max_power_kw) + 1e-6 THEN 'rollover'
                WHEN kwh < 0.9 * before_kwh + 1e-6
                    AND kwh <= register_cap_kwh(seconds, segment.max_power_kw) + 1e-6 THEN 'reset'
                ELSE 'rebase'
            END AS judgement
        FROM kept
    )

    SELECT
        ts,
        battery_temp_celsius,
        judgement,
        judgement NOT IN ('glitch', 'interval', 'first') AND seconds > 15 * segment.expected_interval_s AS is_gap,
        CASE
            WHEN judgement IN ('growth', 'dip') THEN kwh - before_kwh
            WHEN judgement IN ('interval', 'reset') THEN kwh
            WHEN judgement = 'rollover' THEN segment.rollover_kwh - before_kwh + kwh
            ELSE 0
        END AS energy_kwh
    FROM steps
) AS step
WHERE step.ts >= segment.counts_from AND step.ts < segment.counts_to
GROUP BY segment.side
