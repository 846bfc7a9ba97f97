-- A row where there is a role of this name.
SELECT rolname
FROM pg_roles
WHERE rolname = %(role)s
