SELECT
    file.dataset,
    file.day,
    file.version,
    file.sha256,
    file.publishing_sha256,
    file.published_at
FROM lake_files AS file
WHERE
    NOT EXISTS (
        SELECT FROM lake_file_versions AS known
        WHERE known.dataset = file.dataset AND known.day = file.day
    )
ORDER BY file.day, file.dataset
