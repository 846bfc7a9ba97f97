-- What became of days since an instant, oldest first: built, with the restatement that this was, and restated by a build
-- of some models alone, which is no build of the day.
WITH built AS (
    SELECT
        build.day,
        build.built_at AS happened_at,
        newest.release,
        restatement.summary
    FROM day_builds AS build
    LEFT JOIN LATERAL (
        SELECT max(released.release) AS release
        FROM lake_releases AS released
        WHERE released.day = build.day
    ) AS newest ON TRUE
    LEFT JOIN lake_restatements AS restatement
        ON build.day = restatement.day AND newest.release = restatement.release AND restatement.published_at > %(since)s
    WHERE build.built_at > %(since)s
)

SELECT
    day,
    happened_at,
    release,
    summary
FROM built
UNION ALL
SELECT
    restatement.day,
    restatement.published_at,
    restatement.release,
    restatement.summary
FROM lake_restatements AS restatement
WHERE
    restatement.published_at > %(since)s
    AND NOT EXISTS (SELECT FROM built WHERE built.day = restatement.day AND built.release = restatement.release)
ORDER BY happened_at
