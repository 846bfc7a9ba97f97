-- Every table of ours that holds rows; a partition is one of its own.
SELECT table_class.relname
FROM pg_class AS table_class
WHERE
    table_class.relkind = 'r'
    AND table_class.relnamespace = current_schema()::regnamespace
    AND table_class.relname <> 'alembic_version'
ORDER BY table_class.relname
