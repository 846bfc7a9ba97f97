-- In the order of the changes, so many at a time.
SELECT
    token_id,
    secret_sha256,
    scopes,
    devices,
    extract(EPOCH FROM expires_at)::double precision AS expires_s,
    revoked_at IS NOT NULL AS is_revoked,
    change_number
FROM tokens
WHERE change_number > %(after)s
ORDER BY change_number
LIMIT %(most)s
