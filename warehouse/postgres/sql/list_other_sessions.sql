-- Where other sessions of this application come from, but for those that wait to migrate.
SELECT
    coalesce(host(client_addr), 'this machine') AS address,
    count(*) AS session_count
FROM pg_stat_activity AS activity
WHERE
    datname = current_database()
    AND application_name LIKE %(name)s || '%%'
    AND pid <> pg_backend_pid()
    AND NOT EXISTS (
        SELECT FROM pg_locks AS lock
        WHERE
            lock.pid = activity.pid
            AND lock.locktype = 'advisory'
            AND lock.classid = %(high)s::oid
            AND lock.objid = %(low)s::oid
    )
GROUP BY client_addr
ORDER BY address
