SELECT version, sha256, publishing_sha256, size_bytes, row_count, published_at
FROM lake_files
WHERE dataset = %(dataset)s AND day = %(day)s
