-- By which text of its model each of these versions of a day was made.
SELECT
    made.dataset,
    made.version,
    version.model_digest
FROM unnest(%(datasets)s::text[], %(versions)s::integer[]) AS made (dataset, version)
INNER JOIN lake_file_versions AS version
    ON made.dataset = version.dataset AND made.version = version.version AND version.day = %(day)s
WHERE version.model_digest IS NOT NULL
