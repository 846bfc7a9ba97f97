-- Without which files of earlier days the current version of a dataset's day was made.
INSERT INTO lake_file_inputs (dataset, day, version, input, input_day, input_sha256)
SELECT
    made.dataset,
    made.day,
    made.version,
    lost.input,
    lost.input_day,
    ''::bytea AS input_sha256
FROM lake_files AS made
CROSS JOIN unnest(%(inputs)s::text[], %(input_days)s::date[]) AS lost (input, input_day)
WHERE made.dataset = %(dataset)s AND made.day = %(day)s
