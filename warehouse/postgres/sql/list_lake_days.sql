SELECT day
FROM lake_files
WHERE dataset = %(dataset)s AND sha256 IS NOT NULL
ORDER BY day
