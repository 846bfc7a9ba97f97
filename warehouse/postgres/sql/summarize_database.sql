SELECT
    current_setting('server_version') AS server_version,
    pg_database_size(current_database()) AS size_bytes,
    (SELECT coalesce(sum(size_bytes), 0)::bigint FROM lake_files) AS lake_bytes,
    (
        SELECT coalesce(sum(old.size_bytes), 0)::bigint
        FROM lake_file_versions AS old
        WHERE NOT EXISTS (
            SELECT FROM lake_files AS file
            WHERE file.dataset = old.dataset AND file.day = old.day AND file.version = old.version
        )
    ) AS replaced_lake_bytes,
    (SELECT count(*) FROM quarantined_readings) AS quarantined,
    (SELECT count(*) FROM vehicle_meter_map WHERE valid_to IS NULL) AS open_mappings
