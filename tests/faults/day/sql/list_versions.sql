SELECT
    dataset,
    version
FROM lake_files
WHERE day = %(day)s
