SELECT
    code,
    sum(item_count)::bigint AS item_count,
    sum(counted_only)::bigint AS counted_only,
    sum(kept_rows)::bigint AS kept_rows,
    sum(kept_bytes)::bigint AS kept_bytes
FROM quarantine_counts
GROUP BY code
ORDER BY code
