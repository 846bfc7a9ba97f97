-- The digest of the model that made each dataset's newest day. It is null for what no model made, and for a version of
-- before digests were recorded.
SELECT DISTINCT ON (made.dataset)
    made.dataset,
    version.model_digest
FROM lake_files AS made
LEFT JOIN lake_file_versions AS version
    ON made.dataset = version.dataset AND made.day = version.day AND made.version = version.version
ORDER BY made.dataset ASC, made.day DESC
