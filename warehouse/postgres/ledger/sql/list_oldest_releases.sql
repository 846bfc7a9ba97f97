SELECT DISTINCT ON (day)
    day,
    release,
    released_at,
    max(release) OVER (PARTITION BY day) AS newest_release
FROM lake_releases
WHERE %(day)s::date IS NULL OR day = %(day)s
ORDER BY day ASC, release ASC
