UPDATE lake_files
SET
    sha256 = publishing_sha256,
    publishing_sha256 = NULL,
    version = version + 1,
    size_bytes = %(size_bytes)s,
    row_count = %(row_count)s,
    published_at = clock_timestamp()
WHERE dataset = %(dataset)s AND day = %(day)s
RETURNING version
