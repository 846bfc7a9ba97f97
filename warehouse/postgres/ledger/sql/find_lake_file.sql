SELECT dataset, day, version, sha256, size_bytes, row_count, published_at
FROM lake_files
WHERE dataset = %(dataset)s AND day = %(day)s
