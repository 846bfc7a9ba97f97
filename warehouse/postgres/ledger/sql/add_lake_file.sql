-- The next version of a dataset's day, which becomes the current one.
WITH current_file AS (
    INSERT INTO lake_files AS file (dataset, day, version, sha256, size_bytes, row_count, published_at)
    VALUES (
        %(dataset)s, %(day)s, %(version)s, %(sha256)s, %(size_bytes)s, %(row_count)s, clock_timestamp()
    )
    ON CONFLICT (dataset, day) DO UPDATE SET
        version = excluded.version,
        sha256 = excluded.sha256,
        size_bytes = excluded.size_bytes,
        row_count = excluded.row_count,
        published_at = excluded.published_at
    RETURNING file.*
)

INSERT INTO lake_file_versions (dataset, day, version, sha256, size_bytes, row_count, published_at)
SELECT dataset, day, version, sha256, size_bytes, row_count, published_at
FROM current_file
RETURNING dataset, day, version, sha256, size_bytes, row_count, published_at
