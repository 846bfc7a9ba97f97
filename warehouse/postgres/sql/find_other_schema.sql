SELECT namespace.nspname AS schema_name
FROM pg_class AS ledger
INNER JOIN pg_namespace AS namespace ON ledger.relnamespace = namespace.oid
WHERE ledger.relname = 'partition_ledger' AND to_regclass('partition_ledger') IS NULL
ORDER BY namespace.nspname
