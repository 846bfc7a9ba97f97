-- The columns of whatever tables a database has in which a text may be.
SELECT
    pg_class.relname AS table_name,
    array_agg(pg_attribute.attname::text ORDER BY pg_attribute.attnum) AS names
FROM pg_class
INNER JOIN pg_attribute ON pg_class.oid = pg_attribute.attrelid
WHERE
    pg_class.relnamespace = 'public'::regnamespace
    AND pg_class.relkind = 'r'
    AND pg_attribute.attnum > 0
    AND NOT pg_attribute.attisdropped
    AND pg_attribute.atttypid = any(ARRAY['text', 'varchar', 'json', 'jsonb']::regtype[])
GROUP BY pg_class.relname
ORDER BY pg_class.relname
