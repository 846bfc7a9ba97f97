SELECT max(day) AS day
FROM lake_release_files
WHERE dataset = %(dataset)s
