SELECT lines_done
FROM imports
WHERE finished_at IS NULL
