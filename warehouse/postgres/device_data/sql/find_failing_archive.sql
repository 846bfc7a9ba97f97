-- Whether what the server writes is to be archived, and the last try failed.
SELECT
    current_setting('archive_mode') <> 'off'
    AND coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), FALSE) AS is_failing
FROM pg_stat_archiver
