INSERT INTO {table} (external_id)
SELECT %(prefix)s || number
FROM generate_series(1, %(devices)s) AS number
