SELECT token_id, name, scopes, devices, created_at, expires_at, last_used_at, revoked_at
FROM tokens
WHERE token_id = %(token_id)s
FOR UPDATE
