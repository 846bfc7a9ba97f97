UPDATE users
SET disabled_at = clock_timestamp()
WHERE name = %(name)s AND disabled_at IS NULL
