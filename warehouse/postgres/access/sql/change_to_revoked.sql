UPDATE tokens
SET revoked_at = clock_timestamp()
WHERE token_id = %(token_id)s AND revoked_at IS NULL
