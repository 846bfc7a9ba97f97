-- Why a rebuild of the day was queued, if that was after an instant.
SELECT reason
FROM day_builds
WHERE day = %(day)s AND requested_at > %(since)s
