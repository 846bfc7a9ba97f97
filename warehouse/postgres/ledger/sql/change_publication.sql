-- A version that was made again with the same bytes: it comes after what it was made of, as a new one would.
UPDATE lake_file_versions
SET publication = DEFAULT
WHERE dataset = %(dataset)s AND day = %(day)s AND version = %(version)s
