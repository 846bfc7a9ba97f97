-- The energy rule over these devices' hours. A row of `segment` is one device and one span of whole hours, which begins at
-- midnight or after a reading that is no glitch. The readings after the span, as many as the longest run, tell whether its
-- last ones are.
WITH changes AS (
    SELECT mapping.{device_id} AS device_id, array_agg(change.ts) AS mapping_changes
    FROM vehicle_meter_map AS mapping
    CROSS JOIN LATERAL (VALUES (mapping.valid_from), (mapping.valid_to)) AS change (ts)
    WHERE change.ts > %(first)s AND change.ts < %(last)s
    GROUP BY mapping.{device_id}
),

segment AS (
    SELECT
        span.device_id,
        span.starts_at,
        span.ends_at,
        changes.mapping_changes,
        device.energy_kind,
        device.max_power_kw,
        device.rollover_kwh,
        device.max_reset_kwh,
        device.expected_interval_s
    FROM unnest(%(device_ids)s::integer[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[])
        AS span (device_id, starts_at, ends_at)
    INNER JOIN {devices} AS device ON span.device_id = device.{device_id}
    LEFT JOIN changes ON span.device_id = changes.device_id
),

steps AS (
    SELECT
        segment.device_id,
        greatest(
            date_bin('1 hour', step.ts, '1970-01-01Z'),
            (SELECT max(change) FROM unnest(segment.mapping_changes) AS change WHERE change <= step.ts)
        ) AS starts_at,
        step.step_class,
        step.is_gap,
        step.energy_kwh
    FROM segment
    CROSS JOIN LATERAL (
        WITH samples AS (
            SELECT ts, date_part('epoch', ts) AS epoch_s, kwh, NULL::real AS battery_temp_celsius
            FROM {readings}
            WHERE
                {device_id} = segment.device_id AND ts >= segment.starts_at AND ts < segment.ends_at
                AND ts >= %(first)s AND ts < %(last)s
            UNION ALL
            (
                SELECT ts, date_part('epoch', ts), kwh, NULL
                FROM {readings}
                WHERE {device_id} = segment.device_id AND ts < segment.starts_at AND ts < %(last)s
                ORDER BY ts DESC
                LIMIT 1
            )
            UNION ALL
            (
                SELECT ts, date_part('epoch', ts), kwh, NULL
                FROM {readings}
                WHERE {device_id} = segment.device_id AND ts >= segment.ends_at AND ts >= %(first)s
                ORDER BY ts
                LIMIT {longest_run}
            )
        )

        SELECT classified.* FROM ({classified_steps}) AS classified
    ) AS step
    WHERE step.ts >= segment.starts_at AND step.ts < segment.ends_at
)

INSERT INTO device_hourly (starts_at, energy_kwh, device_id, kind, reading_count, flags)
SELECT
    starts_at,
    sum(energy_kwh),
    device_id,
    %(kind)s::device_kind,
    count(*),
    nullif(
        jsonb_strip_nulls(
            jsonb_build_object(
                'glitch', nullif(count(*) FILTER (WHERE step_class = 'glitch'), 0),
                'dip', nullif(count(*) FILTER (WHERE step_class = 'dip'), 0),
                'jump', nullif(count(*) FILTER (WHERE step_class = 'jump'), 0),
                'rollover', nullif(count(*) FILTER (WHERE step_class = 'rollover'), 0),
                'reset', nullif(count(*) FILTER (WHERE step_class = 'reset'), 0),
                'rebase', nullif(count(*) FILTER (WHERE step_class = 'rebase'), 0),
                'gap', nullif(count(*) FILTER (WHERE is_gap), 0)
            )
        ),
        '{{}}'
    )
FROM steps
GROUP BY device_id, starts_at
