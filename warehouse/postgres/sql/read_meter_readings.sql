-- The rows of some pages at a time as one value, each as the binary forms of its columns, side by side. A protocol message
-- and four lengths a row, as COPY sends them, would cost whoever reads them more than PostgreSQL.
SELECT
    (
        SELECT
            string_agg(
                int4send(meter_id) || timestamptz_send(ts) || float8send(kwh) || float4send(coalesce(voltage_volts, 'NaN')), ''
            )
        FROM {partition}
        WHERE ctid >= ('(' || page || ',0)')::tid AND ctid < ('(' || page + %(pages)s || ',0)')::tid
    ) AS packed_rows
FROM generate_series(0, pg_relation_size(%(table)s::regclass) / current_setting('block_size')::bigint, %(pages)s) AS page
