-- Who owns the tables, and whether the connected role may do all that the owner may.
SELECT
    relowner::regrole::text AS owner,
    pg_has_role(relowner, 'USAGE') AS is_owner
FROM pg_class
WHERE oid = 'partition_ledger'::regclass
