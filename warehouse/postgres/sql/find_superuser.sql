-- A row where the connection's role is a superuser.
SELECT rolname
FROM pg_catalog.pg_roles
WHERE rolname = current_user AND rolsuper
