UPDATE day_builds
SET built = building, built_at = clock_timestamp()
WHERE day = %(day)s
