-- reltuples is what the last vacuum or analyze counted: -1 before the first one.
SELECT
    ledger.stream,
    ledger.day,
    ledger.state,
    ledger.version,
    coalesce(build.built >= build.requested, FALSE) AS is_built,
    coalesce(newest.release, 0) AS release,
    restated.release AS restated_release,
    restated.summary AS restatement,
    coalesce(lake.size_bytes, 0)::bigint AS lake_bytes,
    coalesce(late.sent_count, 0)::bigint AS late_row_count,
    coalesce(late.imported_count, 0)::bigint AS imported_row_count,
    coalesce(pg_total_relation_size(partition.oid), 0) AS size_bytes,
    coalesce(pg_relation_size(partition.oid), 0) AS heap_bytes,
    coalesce(partition.reltuples, 0)::bigint AS estimated_row_count
FROM partition_ledger AS ledger
LEFT JOIN pg_class AS partition
    ON partition.oid = to_regclass(ledger.stream || '_' || to_char(ledger.day, 'YYYY_MM_DD'))
LEFT JOIN (
    SELECT
        stream,
        day,
        sum(row_count) FILTER (WHERE NOT is_imported) AS sent_count,
        sum(row_count) FILTER (WHERE is_imported) AS imported_count
    FROM late_rows
    GROUP BY stream, day
) AS late USING (stream, day)
LEFT JOIN day_builds AS build USING (day)
LEFT JOIN (
    SELECT day, max(release) AS release
    FROM lake_releases
    GROUP BY day
) AS newest USING (day)
LEFT JOIN (
    SELECT DISTINCT ON (day) day, release, summary
    FROM lake_restatements
    ORDER BY day ASC, release DESC
) AS restated USING (day)
LEFT JOIN lake_files AS lake ON ledger.stream = lake.dataset AND ledger.day = lake.day
ORDER BY ledger.day, ledger.stream
