-- What made the current version of a dataset's day, and what it read of earlier days.
WITH made AS (
    UPDATE lake_file_versions AS file
    SET model_digest = %(digest)s
    FROM lake_files AS current_file
    WHERE
        current_file.dataset = %(dataset)s
        AND current_file.day = %(day)s
        AND file.dataset = current_file.dataset
        AND file.day = current_file.day
        AND file.version = current_file.version
    RETURNING file.dataset, file.day, file.version
)

INSERT INTO lake_file_inputs (dataset, day, version, input, input_day, input_sha256)
SELECT
    made.dataset,
    made.day,
    made.version,
    files.input,
    files.input_day,
    files.input_sha256
FROM made
CROSS JOIN unnest(%(inputs)s::text[], %(input_days)s::date[], %(input_sha256s)s::bytea[])
    AS files (input, input_day, input_sha256)
