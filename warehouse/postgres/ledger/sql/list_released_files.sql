-- What readers see: of each day the files of its newest release, of one that was never released the current ones. With
-- as_of: of the newest release until then; with release: of that one.
WITH releases AS (
    SELECT DISTINCT ON (day)
        day,
        release
    FROM lake_releases
    WHERE
        (%(day)s::date IS NULL OR day = %(day)s)
        AND (%(as_of)s::timestamptz IS NULL OR released_at <= %(as_of)s)
        AND (%(release)s::integer IS NULL OR release = %(release)s)
    ORDER BY day ASC, release DESC
)

SELECT file.dataset, file.day, file.version, file.sha256, file.size_bytes, file.row_count, file.published_at
FROM releases
INNER JOIN lake_release_files USING (day, release)
INNER JOIN lake_file_versions AS file USING (dataset, day, version)
UNION ALL
SELECT file.dataset, file.day, file.version, file.sha256, file.size_bytes, file.row_count, file.published_at
FROM lake_files AS file
WHERE
    (%(day)s::date IS NULL OR file.day = %(day)s)
    AND %(as_of)s::timestamptz IS NULL
    AND %(release)s::integer IS NULL
    AND NOT EXISTS (SELECT FROM lake_releases WHERE lake_releases.day = file.day)
ORDER BY day ASC, dataset ASC
