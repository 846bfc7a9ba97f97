-- A row where the database belongs to the role.
SELECT datname
FROM pg_database
WHERE datname = %(database)s AND datdba = %(role)s::regrole
