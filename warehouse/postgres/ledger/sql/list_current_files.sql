-- Newest day first.
SELECT dataset, day, version, sha256, size_bytes, row_count, published_at
FROM lake_files
WHERE
    (%(datasets)s::text[] IS NULL OR dataset = any(%(datasets)s))
    AND (%(day)s::date IS NULL OR day = %(day)s)
ORDER BY day DESC, dataset ASC
