-- How many readings this server's statistics have counted, in the days that it still has.
SELECT coalesce(sum(pg_stat_get_tuples_inserted(inhrelid)), 0)::bigint AS readings
FROM pg_inherits
WHERE inhparent IN ('meter_readings'::regclass, 'vehicle_readings'::regclass)
