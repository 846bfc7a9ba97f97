-- Our tables, views and sequences, what grantees have of them, and of a day of a stream which stream it is. Of a table on which
-- nobody was granted anything there is one row. Sequences of identity columns follow their tables.
SELECT
    pg_class.relname AS table_name,
    CASE pg_class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
    coalesce(
        parent.relname, substring(pg_class.relname FROM '^(meter_readings|vehicle_readings)_\d{4}_\d\d_\d\d(_restoring)?$')
    ) AS stream,
    acl.grantee::regrole::text AS grantee,
    acl.privilege_type
FROM pg_class
LEFT JOIN pg_inherits ON pg_class.oid = pg_inherits.inhrelid
LEFT JOIN pg_class AS parent ON pg_inherits.inhparent = parent.oid AND parent.relkind = 'p'
LEFT JOIN LATERAL aclexplode(pg_class.relacl) AS acl ON acl.grantee NOT IN (0, pg_class.relowner)
WHERE pg_class.relnamespace = current_schema()::regnamespace AND pg_class.relkind IN ('r', 'p', 'v', 'S')
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'i' AND pg_class.relkind = 'S'
    )
ORDER BY pg_class.relname, grantee, acl.privilege_type
