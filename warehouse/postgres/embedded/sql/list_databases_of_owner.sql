-- The databases that belong to the role, those too that take no connections.
SELECT datname
FROM pg_database
WHERE datdba = %(role)s::regrole AND NOT datistemplate
