-- Current files that readers do not see, of days of which they see an earlier release: a check failed, whoever made them
-- was killed, or only some of what the day is made of was made again.
WITH newest_releases AS (
    SELECT DISTINCT ON (day)
        day,
        release
    FROM lake_releases
    WHERE %(day)s::date IS NULL OR day = %(day)s
    ORDER BY day ASC, release DESC
)

SELECT
    made.dataset,
    made.day,
    made.version,
    made.sha256,
    made.size_bytes,
    made.row_count,
    made.published_at
FROM newest_releases
INNER JOIN lake_files AS made USING (day)
LEFT JOIN lake_release_files AS seen
    ON
        newest_releases.day = seen.day
        AND newest_releases.release = seen.release
        AND made.dataset = seen.dataset
        AND made.version = seen.version
WHERE made.dataset = any(%(datasets)s::text[]) AND seen.dataset IS NULL
ORDER BY made.day, made.dataset
