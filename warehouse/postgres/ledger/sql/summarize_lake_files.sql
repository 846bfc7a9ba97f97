SELECT DISTINCT ON (dataset)
    dataset,
    day,
    version,
    row_count,
    size_bytes,
    published_at,
    min(day) OVER of_dataset AS first_day,
    count(*) OVER of_dataset AS day_count,
    max(version) OVER of_dataset AS highest_version,
    (sum(row_count) OVER of_dataset)::bigint AS all_rows,
    (sum(size_bytes) OVER of_dataset)::bigint AS all_bytes
FROM lake_files
WHERE published_at IS NOT NULL
WINDOW of_dataset AS (PARTITION BY dataset)
ORDER BY dataset ASC, day DESC
