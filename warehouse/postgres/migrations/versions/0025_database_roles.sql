-- What the pipeline does to partitions, for a role that owns no table. Each function runs with its owner's rights, takes a
-- stream and a day, and makes the name itself: so it reaches no other table.
CREATE FUNCTION partition_table(of_stream text, of_day date, is_restoring boolean) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF of_stream IS NULL OR of_day IS NULL OR of_stream NOT IN ('meter_readings', 'vehicle_readings') THEN
        RAISE EXCEPTION 'there is no stream % with a day %', of_stream, of_day;
    END IF;
    RETURN of_stream || to_char(of_day, '"_"YYYY"_"MM"_"DD') || CASE WHEN is_restoring THEN '_restoring' ELSE '' END;
END
$$;

CREATE FUNCTION make_partition_table(of_stream text, of_day date, is_restoring boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    made text := partition_table(of_stream, of_day, is_restoring);
    granted record;
BEGIN
    -- A table of its own until it is attached: making it never waits for an open reader, and no insert waits for it.
    -- The 24 h query stays index-only as long as pages are marked all-visible: vacuum by inserts, not by scale.
    EXECUTE format(
        'CREATE TABLE %I (LIKE %I INCLUDING ALL)
        WITH (autovacuum_vacuum_insert_threshold = 50000, autovacuum_vacuum_insert_scale_factor = 0.0)',
        made, of_stream
    );
    -- Whoever may do something with the stream may do it with its days.
    FOR granted IN
        SELECT acl.privilege_type, acl.grantee::regrole AS grantee
        FROM pg_class CROSS JOIN aclexplode(relacl) AS acl
        WHERE pg_class.oid = of_stream::regclass AND acl.grantee NOT IN (0, relowner)
    LOOP
        EXECUTE format('GRANT %s ON %I TO %s', granted.privilege_type, made, granted.grantee);
    END LOOP;
END
$$;

CREATE FUNCTION attach_partition(of_stream text, of_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format(
        'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        of_stream,
        partition_table(of_stream, of_day, FALSE),
        of_day::timestamp AT TIME ZONE 'UTC',
        (of_day + 1)::timestamp AT TIME ZONE 'UTC'
    );
END
$$;

CREATE FUNCTION detach_partition(of_stream text, of_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', of_stream, partition_table(of_stream, of_day, FALSE));
END
$$;

CREATE FUNCTION drop_partition_table(of_stream text, of_day date, is_restoring boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    dropped text := partition_table(of_stream, of_day, is_restoring);
BEGIN
    IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(quote_ident(dropped))) THEN
        RAISE EXCEPTION '% is a partition; it is detached before it is dropped', dropped;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %I', dropped);
END
$$;

CREATE FUNCTION rename_restored_table(of_stream text, of_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format(
        'ALTER TABLE %I RENAME TO %I',
        partition_table(of_stream, of_day, TRUE), partition_table(of_stream, of_day, FALSE)
    );
END
$$;

-- What a REINDEX CONCURRENTLY that was killed left behind on a partition: never used, and kept up by every insert. Whoever
-- is in the way longer than a moment keeps it there until the next time.
CREATE FUNCTION drop_unfinished_index(index_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '1s' AS $$
BEGIN
    IF to_regclass(quote_ident(index_name)) IS NULL THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT
        FROM pg_index
        INNER JOIN pg_class AS partition ON partition.oid = indrelid
        WHERE
            indexrelid = to_regclass(quote_ident(index_name))
            AND NOT indisvalid
            AND index_name ~ '_cc(new|old)[0-9]*$'
            AND partition.relname ~ '^(meter|vehicle)_readings_[0-9]{4}_[0-9]{2}_[0-9]{2}$'
    ) THEN
        RAISE EXCEPTION '% is no unfinished index of a partition', index_name;
    END IF;
    EXECUTE format('DROP INDEX %I', index_name);
END
$$;

-- Names mean what they mean in our own schema and in no other one, whoever calls.
DO $$
DECLARE
    function regprocedure;
BEGIN
    FOR function IN
        SELECT oid
        FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname IN (
            'make_partition_table', 'attach_partition', 'detach_partition', 'drop_partition_table',
            'rename_restored_table', 'drop_unfinished_index'
        )
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', function, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
    END LOOP;
END
$$;
