UPDATE lake_files
SET
    version = version + 1,
    sha256 = publishing_sha256,
    publishing_sha256 = NULL,
    size_bytes = %(size_bytes)s,
    row_count = coalesce(row_count, 0),
    published_at = coalesce(published_at, clock_timestamp())
WHERE dataset = %(dataset)s AND day = %(day)s
