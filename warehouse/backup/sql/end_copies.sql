-- Base backups that are still being sent although their command was killed.
SELECT pg_terminate_backend(pid)
FROM pg_stat_replication
WHERE application_name = %(application_name)s
