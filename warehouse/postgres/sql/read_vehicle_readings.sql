-- As read_meter_readings.sql.
SELECT
    (
        SELECT
            string_agg(
                int4send(vehicle_id) || timestamptz_send(ts) || float8send(kwh)
                || float4send(coalesce(soc_percent, 'NaN')) || float4send(coalesce(battery_temp_celsius, 'NaN')), ''
            )
        FROM {partition}
        WHERE ctid >= ('(' || page || ',0)')::tid AND ctid < ('(' || page + %(pages)s || ',0)')::tid
    ) AS packed_rows
FROM generate_series(0, pg_relation_size(%(table)s::regclass) / current_setting('block_size')::bigint, %(pages)s) AS page
