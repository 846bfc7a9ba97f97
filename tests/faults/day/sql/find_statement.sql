SELECT pid
FROM pg_stat_activity
WHERE
    datname = current_database()
    AND backend_type = 'client backend'
    AND pid <> pg_backend_pid()
    AND query LIKE %(statement)s
    AND (state = 'active' OR %(statement)s = '%%')
LIMIT 1
