-- What was refused since the beginning, by code, and what of it is kept.
SELECT
    code,
    sum(item_count)::bigint AS item_count,
    sum(counted_only)::bigint AS counted_only,
    sum(kept_rows)::bigint AS kept_rows
FROM quarantine_counts
WHERE code > %(after)s AND (%(code)s::text IS NULL OR code = %(code)s::text)
GROUP BY code
ORDER BY code
LIMIT %(limit)s
