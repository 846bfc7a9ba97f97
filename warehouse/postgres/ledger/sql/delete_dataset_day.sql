-- Every version of a dataset's day, and what says that it is current or was seen.
WITH seen AS (
    DELETE FROM lake_release_files
    WHERE dataset = %(dataset)s AND day = %(day)s
),

current_file AS (
    DELETE FROM lake_files
    WHERE dataset = %(dataset)s AND day = %(day)s
)

DELETE FROM lake_file_versions
WHERE dataset = %(dataset)s AND day = %(day)s
