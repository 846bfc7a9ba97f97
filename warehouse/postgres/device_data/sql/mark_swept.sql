UPDATE forgettings
SET swept_at = clock_timestamp()
WHERE done_at IS NOT NULL AND swept_at IS NULL
