-- The steps of one device by the energy rule, encoded as one binary value in order of time, for steps.py.
SELECT
    string_agg(
        timestamptz_send(step.ts)
        || float8send(step.energy_kwh)
        || int4send(array_position(%(classes)s::text[], step.step_class)),
        ''
        ORDER BY step.ts
    ) AS steps
FROM (
    SELECT
        %(energy_kind)s::text AS energy_kind,
        %(max_power_kw)s::float8 AS max_power_kw,
        %(rollover_kwh)s::float8 AS rollover_kwh,
        %(max_reset_kwh)s::float8 AS max_reset_kwh,
        %(expected_interval_s)s::integer AS expected_interval_s
) AS segment
CROSS JOIN LATERAL (
    WITH samples AS (
        SELECT ts, date_part('epoch', ts) AS epoch_s, kwh, NULL::real AS battery_temp_celsius
        FROM {readings}
        WHERE {device_id} = %(device_id)s AND ts >= %(reads_from)s AND ts < %(reads_to)s
    )

    SELECT classified.* FROM ({classified_steps}) AS classified
) AS step
