WITH current_file AS (
    UPDATE lake_files
    SET publishing_sha256 = NULL
    WHERE dataset = %(dataset)s AND day = %(day)s
    RETURNING dataset, day, version, sha256, size_bytes, row_count, published_at
)

INSERT INTO lake_file_versions (dataset, day, version, sha256, size_bytes, row_count, published_at)
SELECT dataset, day, version, sha256, size_bytes, row_count, published_at
FROM current_file
ON CONFLICT DO NOTHING
