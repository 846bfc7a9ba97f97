-- What the current file of a dataset's day was made from of earlier days.
SELECT
    read_then.input,
    read_then.input_day,
    read_then.input_sha256
FROM lake_files AS made
INNER JOIN lake_file_inputs AS read_then
    ON made.dataset = read_then.dataset AND made.day = read_then.day AND made.version = read_then.version
WHERE made.dataset = %(dataset)s AND made.day = %(day)s
