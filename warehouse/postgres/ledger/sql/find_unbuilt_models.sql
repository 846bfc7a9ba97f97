-- Built days of which a model has no file, or one that was made by another text of it. A version of before digests were
-- recorded counts as made by this one.
SELECT
    model.dataset,
    build.day,
    model.digest,
    made.dataset IS NULL AS is_missing
FROM unnest(%(datasets)s::text[], %(digests)s::text[]) AS model (dataset, digest)
CROSS JOIN day_builds AS build
LEFT JOIN lake_files AS made ON model.dataset = made.dataset AND build.day = made.day
LEFT JOIN lake_file_versions AS version
    ON made.dataset = version.dataset AND made.day = version.day AND made.version = version.version
WHERE
    build.built_at IS NOT NULL
    AND (made.dataset IS NULL OR version.model_digest <> model.digest)
ORDER BY build.day, model.dataset
