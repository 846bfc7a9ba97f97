-- Whether a role may do as the connected one does without any grant: it is the same, a member of it, or a superuser.
SELECT
    rolsuper
    OR pg_has_role(rolname, (SELECT relowner FROM pg_class WHERE oid = 'partition_ledger'::regclass), 'USAGE') AS is_owner
FROM pg_roles
WHERE rolname = %(role)s
