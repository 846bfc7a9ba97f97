-- The statements that give what one role owns in this database to another role, one a line. Members of an
-- extension are left out: they belong to it.
WITH
own_schemas AS (
    SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
former AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(owner)s
),
belonging AS (
    SELECT classid, objid FROM pg_catalog.pg_depend
    WHERE deptype = 'e' OR (deptype IN ('a', 'i') AND classid = 'pg_catalog.pg_class'::regclass AND refobjsubid > 0)
),
owned (kind, name, classid, objid) AS (
    SELECT 'SCHEMA', format('%%I', nspname), 'pg_catalog.pg_namespace'::regclass, own_schemas.oid
    FROM own_schemas INNER JOIN former ON nspowner = former.oid
    UNION ALL
    SELECT 'TABLE', pg_class.oid::regclass::text, 'pg_catalog.pg_class'::regclass, pg_class.oid
    FROM pg_catalog.pg_class
    INNER JOIN own_schemas ON relnamespace = own_schemas.oid
    INNER JOIN former ON relowner = former.oid
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'ROUTINE', pg_proc.oid::regprocedure::text, 'pg_catalog.pg_proc'::regclass, pg_proc.oid
    FROM pg_catalog.pg_proc
    INNER JOIN own_schemas ON pronamespace = own_schemas.oid
    INNER JOIN former ON proowner = former.oid
    UNION ALL
    SELECT 'TYPE', pg_type.oid::regtype::text, 'pg_catalog.pg_type'::regclass, pg_type.oid
    FROM pg_catalog.pg_type
    INNER JOIN own_schemas ON typnamespace = own_schemas.oid
    INNER JOIN former ON typowner = former.oid
    LEFT JOIN pg_catalog.pg_class ON typrelid = pg_class.oid
    -- Arrays follow their elements, multiranges their ranges, and the row of a table its table.
    WHERE (typtype IN ('e', 'd', 'r') OR relkind = 'c')
    UNION ALL
    SELECT
        'STATISTICS', format('%%I.%%I', nspname, stxname), 'pg_catalog.pg_statistic_ext'::regclass, pg_statistic_ext.oid
    FROM pg_catalog.pg_statistic_ext
    INNER JOIN own_schemas ON stxnamespace = own_schemas.oid
    INNER JOIN former ON stxowner = former.oid
)
SELECT format('ALTER %%s %%s OWNER TO %%I', kind, name, %(role)s::text)
FROM owned
WHERE NOT EXISTS (SELECT FROM belonging WHERE (belonging.classid, belonging.objid) = (owned.classid, owned.objid))
ORDER BY kind, name
