SELECT pid
FROM pg_locks
WHERE NOT granted AND locktype = 'advisory'
LIMIT 1
