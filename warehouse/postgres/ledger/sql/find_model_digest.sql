-- The digest of the model that made the current file of a dataset's day.
SELECT version.model_digest
FROM lake_files AS made
INNER JOIN lake_file_versions AS version
    ON made.dataset = version.dataset AND made.day = version.day AND made.version = version.version
WHERE made.dataset = %(dataset)s AND made.day = %(day)s
