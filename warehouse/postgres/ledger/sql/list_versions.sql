SELECT dataset, day, version, sha256, size_bytes, row_count, published_at
FROM lake_file_versions
WHERE (%(dataset)s::text IS NULL OR dataset = %(dataset)s) AND (%(day)s::date IS NULL OR day = %(day)s)
ORDER BY day, dataset, version
