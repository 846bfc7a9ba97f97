-- Tables that are named like a partition and are none.
SELECT relname
FROM pg_class
WHERE relkind = 'r' AND relname ~ '^(meter|vehicle)_readings_' AND NOT relispartition
