-- An import that was interrupted goes on; one that was finished runs again from its first line.
INSERT INTO imports AS known (file_sha256, file_name)
VALUES (%(file_sha256)s, %(file_name)s)
ON CONFLICT (file_sha256) DO UPDATE SET
    lines_done = CASE WHEN known.finished_at IS NULL THEN known.lines_done ELSE 0 END,
    file_name = excluded.file_name,
    started_at = clock_timestamp(),
    finished_at = NULL
RETURNING lines_done
