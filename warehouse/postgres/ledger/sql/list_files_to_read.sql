-- What a model of a day is made from: of its own day the current files, of other days those that readers see. What a
-- failed check keeps from readers must not reach them through a later day. Newest day first.
WITH other_days AS (
    SELECT DISTINCT ON (day)
        day,
        release
    FROM lake_releases
    WHERE day <> %(day)s AND (%(lookback_days)s::integer IS NULL OR day BETWEEN %(day)s - %(lookback_days)s AND %(day)s)
    ORDER BY day ASC, release DESC
)

SELECT file.dataset, file.day, file.version, file.sha256, file.size_bytes, file.row_count, file.published_at
FROM other_days
INNER JOIN lake_release_files USING (day, release)
INNER JOIN lake_file_versions AS file USING (dataset, day, version)
WHERE file.dataset = any(%(datasets)s::text[])
UNION ALL
SELECT file.dataset, file.day, file.version, file.sha256, file.size_bytes, file.row_count, file.published_at
FROM lake_files AS file
WHERE
    file.dataset = any(%(datasets)s::text[])
    AND (%(lookback_days)s::integer IS NULL OR file.day BETWEEN %(day)s - %(lookback_days)s AND %(day)s)
    AND (
        file.day = %(day)s
        OR NOT EXISTS (SELECT FROM lake_releases WHERE lake_releases.day = file.day)
    )
ORDER BY day DESC, dataset ASC
