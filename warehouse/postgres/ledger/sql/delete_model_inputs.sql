-- What the current version of a dataset's day read of earlier days, if it was made before with the same bytes.
DELETE FROM lake_file_inputs AS read_then
USING lake_files AS current_file
WHERE
    current_file.dataset = %(dataset)s
    AND current_file.day = %(day)s
    AND read_then.dataset = current_file.dataset
    AND read_then.day = current_file.day
    AND read_then.version = current_file.version
