SELECT
    current_setting('server_version') AS server_version,
    pg_database_size(current_database()) AS size_bytes,
    (SELECT coalesce(sum(size_bytes), 0)::bigint FROM lake_files) AS lake_bytes,
    (SELECT count(*) FROM quarantined_readings) AS quarantined,
    (SELECT count(*) FROM vehicle_meter_map WHERE valid_to IS NULL) AS open_mappings
