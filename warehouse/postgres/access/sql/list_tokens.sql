SELECT token_id, name, scopes, devices, created_at, expires_at, last_used_at, revoked_at
FROM tokens
WHERE token_id > %(after)s
ORDER BY token_id
LIMIT %(most)s
