-- Servers of ours that listen beyond loopback: they name their connections so.
SELECT DISTINCT split_part(application_name, ',', 1) AS server
FROM pg_stat_activity
WHERE application_name LIKE %(names)s
ORDER BY server
