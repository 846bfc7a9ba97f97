-- The databases that take connections, but for templates and the one that is named.
SELECT datname
FROM pg_database
WHERE datallowconn AND NOT datistemplate AND datname <> %(database)s
