-- The earlier days that a version of a dataset's day read otherwise than the version before it.
SELECT DISTINCT coalesce(before.input_day, after.input_day) AS input_day
FROM (
    SELECT input, input_day, input_sha256
    FROM lake_file_inputs
    WHERE dataset = %(dataset)s AND day = %(day)s AND version = %(old_version)s
) AS before
FULL JOIN (
    SELECT input, input_day, input_sha256
    FROM lake_file_inputs
    WHERE dataset = %(dataset)s AND day = %(day)s AND version = %(new_version)s
) AS after USING (input, input_day)
WHERE before.input_sha256 IS DISTINCT FROM after.input_sha256
ORDER BY input_day
