SELECT day, built_at
FROM day_builds
WHERE built_at > %(since)s
ORDER BY built_at
