-- What a REINDEX CONCURRENTLY that was killed left behind on a partition: never used, and kept up by every insert.
SELECT index_class.relname AS index_name
FROM pg_index AS index
INNER JOIN pg_class AS index_class ON index.indexrelid = index_class.oid
INNER JOIN pg_class AS partition ON index.indrelid = partition.oid
WHERE
    NOT index.indisvalid
    AND index_class.relname ~ '_cc(new|old)[0-9]*$'
    AND partition.relname ~ '^(meter|vehicle)_readings_[0-9]{4}_[0-9]{2}_[0-9]{2}$'
