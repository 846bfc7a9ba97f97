SELECT
    dataset,
    day,
    encode(sha256, 'hex') AS sha256,
    publishing_sha256 IS NULL AS is_settled
FROM lake_files
