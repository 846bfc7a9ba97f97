SELECT
    dataset,
    day,
    size_bytes,
    published_at
FROM lake_files
WHERE dataset = any(%(datasets)s) AND (%(day)s::date IS NULL OR day = %(day)s)
ORDER BY day ASC, dataset ASC
