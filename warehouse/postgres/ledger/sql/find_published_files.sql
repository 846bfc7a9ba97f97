SELECT
    dataset,
    day,
    sha256,
    publishing_sha256
FROM lake_files
WHERE dataset = any(%(datasets)s) AND (%(day)s::date IS NULL OR day = %(day)s)
ORDER BY day ASC, dataset ASC
