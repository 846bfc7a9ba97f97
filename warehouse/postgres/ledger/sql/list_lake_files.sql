SELECT
    dataset,
    day
FROM lake_files
ORDER BY day DESC, dataset ASC
