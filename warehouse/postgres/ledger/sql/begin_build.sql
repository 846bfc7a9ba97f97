UPDATE day_builds
SET building = requested
WHERE day = %(day)s
