-- The sessions that hold the advisory lock of whoever reads the lake.
SELECT
    lock.pid,
    host(activity.client_addr) AS address,
    activity.backend_start AS since
FROM pg_locks AS lock
LEFT JOIN pg_stat_activity AS activity USING (pid)
WHERE
    lock.locktype = 'advisory'
    AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND lock.classid = %(lock)s::oid
    AND lock.objid = %(reading)s::oid
    AND lock.granted
    AND lock.pid <> pg_backend_pid()
ORDER BY activity.backend_start, lock.pid
