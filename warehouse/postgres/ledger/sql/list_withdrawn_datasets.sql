-- Datasets that models made and that no model is called any more: so long ago a day was released without each of them,
-- and nothing was published of it since.
WITH made AS (
    SELECT
        dataset,
        max(published_at) AS newest_at
    FROM lake_file_versions
    WHERE NOT dataset = any(%(datasets)s::text[])
    GROUP BY dataset
    HAVING bool_or(model_digest IS NOT NULL)
)

SELECT made.dataset
FROM made
WHERE
    EXISTS (
        SELECT FROM lake_releases AS later
        WHERE
            later.released_at > made.newest_at
            AND later.released_at < clock_timestamp() - %(kept_for)s
            AND NOT EXISTS (
                SELECT FROM lake_release_files AS seen
                WHERE seen.day = later.day AND seen.release = later.release AND seen.dataset = made.dataset
            )
    )
ORDER BY made.dataset
