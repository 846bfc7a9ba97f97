UPDATE imports
SET
    lines_done = %(lines_done)s,
    finished_at = CASE WHEN %(is_finished)s THEN clock_timestamp() END
WHERE file_sha256 = %(file_sha256)s
