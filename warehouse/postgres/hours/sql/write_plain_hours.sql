-- The fast path of these devices' hours: what they booked if their registers only grew, and which did something else.
-- The first are written; the others are returned, for write_hours_by_rule.sql. The readings before, one more than the
-- longest run, tell whether the last of them may be a glitch: is_doubtful_before, then the rule has to begin at midnight.
WITH changes AS (
    SELECT mapping.{device_id} AS device_id, array_agg(change.ts) AS mapping_changes
    FROM vehicle_meter_map AS mapping
    CROSS JOIN LATERAL (VALUES (mapping.valid_from), (mapping.valid_to)) AS change (ts)
    WHERE change.ts > %(first)s AND change.ts < %(last)s
    GROUP BY mapping.{device_id}
),

steps AS (
    SELECT
        span.device_id,
        sample.ts >= span.starts_at AS counts,
        greatest(
            date_bin('1 hour', sample.ts, '1970-01-01Z'),
            CASE
                WHEN changes.mapping_changes IS NOT NULL
                    THEN (SELECT max(change) FROM unnest(changes.mapping_changes) AS change WHERE change <= sample.ts)
            END
        ) AS starts_at,
        CASE device.energy_kind WHEN 'interval' THEN sample.kwh ELSE coalesce(sample.growth_kwh, 0) END AS energy_kwh,
        device.energy_kind = 'interval'
        OR register_only_grew(sample.growth_kwh, sample.seconds, device.max_power_kw) AS is_plain,
        device.energy_kind <> 'interval' AND sample.seconds > {gap_intervals} * device.expected_interval_s AS is_gap
    FROM unnest(%(device_ids)s::integer[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[])
        AS span (device_id, starts_at, ends_at)
    INNER JOIN {devices} AS device ON span.device_id = device.{device_id}
    LEFT JOIN changes ON span.device_id = changes.device_id
    CROSS JOIN LATERAL (
        SELECT
            ts,
            kwh,
            kwh - lag(kwh) OVER by_time AS growth_kwh,
            date_part('epoch', ts - lag(ts) OVER by_time) AS seconds
        FROM (
            SELECT ts, kwh
            FROM {readings}
            WHERE
                {device_id} = span.device_id AND ts >= span.starts_at AND ts < span.ends_at
                AND ts >= %(first)s AND ts < %(last)s
            UNION ALL
            (
                SELECT ts, kwh
                FROM {readings}
                WHERE
                    {device_id} = span.device_id AND ts < span.starts_at AND ts < %(last)s
                    AND EXISTS (
                        SELECT FROM {readings} AS inside
                        WHERE
                            inside.{device_id} = span.device_id AND inside.ts >= span.starts_at AND inside.ts < span.ends_at
                            AND inside.ts >= %(first)s AND inside.ts < %(last)s
                    )
                ORDER BY ts DESC
                LIMIT {longest_run} + 1
            )
        ) AS samples
        WINDOW by_time AS (ORDER BY ts)
    ) AS sample
),

hours AS MATERIALIZED (
    SELECT
        device_id,
        starts_at,
        counts,
        sum(energy_kwh) AS energy_kwh,
        count(*) AS reading_count,
        count(*) FILTER (WHERE is_gap) AS gap_count,
        bool_and(is_plain) AS is_plain
    FROM steps
    GROUP BY device_id, starts_at, counts
),

doubtful AS MATERIALIZED (
    SELECT device_id, NOT coalesce(bool_and(is_plain) FILTER (WHERE NOT counts), TRUE) AS is_doubtful_before
    FROM hours
    GROUP BY device_id
    HAVING NOT bool_and(is_plain) AND bool_or(counts)
),

written AS (
    INSERT INTO device_hourly (starts_at, energy_kwh, device_id, kind, reading_count, flags)
    SELECT
        starts_at,
        energy_kwh,
        device_id,
        %(kind)s::device_kind,
        reading_count,
        CASE WHEN gap_count > 0 THEN jsonb_build_object('gap', gap_count) END
    FROM hours
    WHERE counts AND device_id NOT IN (SELECT device_id FROM doubtful)
)

SELECT device_id, is_doubtful_before
FROM doubtful
