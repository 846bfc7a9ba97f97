-- A row where there is a database of this name.
SELECT datname
FROM pg_database
WHERE datname = %(database)s
