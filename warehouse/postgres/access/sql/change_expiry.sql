UPDATE tokens
SET expires_at = least(expires_at, %(expires_at)s)
WHERE token_id = %(token_id)s
