SELECT
    current_setting('server_version_num')::integer AS version_number,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS is_standby,
    current_schema() AS schema_name,
    current_setting('search_path') AS search_path,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('data_sync_retry') AS data_sync_retry,
    current_setting('zero_damaged_pages') AS zero_damaged_pages,
    current_setting('ignore_checksum_failure') AS ignore_checksum_failure,
    current_setting('session_replication_role') AS session_replication_role,
    current_setting('track_counts') AS track_counts,
    current_setting('max_connections')::integer AS max_connections,
    current_setting('superuser_reserved_connections')::integer
    + coalesce(current_setting('reserved_connections', true)::integer, 0) AS reserved_connections,
    role.rolname AS role_name,
    role.rolsuper AS is_superuser,
    role.rolconnlimit AS role_limit,
    database.datname AS database_name,
    database.datconnlimit AS database_limit,
    pg_backend_pid() AS backend_pid
FROM pg_roles AS role
CROSS JOIN pg_database AS database
WHERE role.rolname = session_user AND database.datname = current_database()
