-- The current files of a day become what readers see, unless they are already.
WITH newest AS (
    SELECT coalesce(max(release), %(forgotten)s) AS release
    FROM lake_releases
    WHERE day = %(day)s
),

released AS (
    SELECT
        file.dataset,
        file.version
    FROM newest
    INNER JOIN lake_release_files AS file USING (release)
    WHERE file.day = %(day)s
),

current_files AS (
    SELECT
        dataset,
        version
    FROM lake_files
    INNER JOIN lake_file_versions USING (dataset, day, version)
    WHERE day = %(day)s AND (%(datasets)s::text[] IS NULL OR dataset = any(%(datasets)s))
),

new_release AS (
    INSERT INTO lake_releases (day, release, released_at)
    SELECT
        %(day)s,
        newest.release + 1,
        coalesce(%(released_at)s, clock_timestamp())
    FROM newest
    WHERE
        EXISTS (SELECT FROM current_files FULL JOIN released USING (dataset, version)
            WHERE current_files.dataset IS NULL OR released.dataset IS NULL)
    RETURNING day, release
)

INSERT INTO lake_release_files (day, release, dataset, version)
SELECT
    new_release.day,
    new_release.release,
    current_files.dataset,
    current_files.version
FROM new_release
CROSS JOIN current_files
