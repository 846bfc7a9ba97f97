SELECT
    count(*) AS hours,
    max(hour) AS newest_hour,
    pg_total_relation_size('device_hourly') AS size_bytes,
    (SELECT count(*) FROM device_hourly WHERE starts_at >= max(written.hour)) AS newest_rows
FROM hourly_ledger AS written
