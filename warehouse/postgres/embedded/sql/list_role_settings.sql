-- The databases in which a role has settings of its own.
SELECT datname
FROM pg_db_role_setting
INNER JOIN pg_database ON setdatabase = pg_database.oid
WHERE setrole = %(role)s::regrole
