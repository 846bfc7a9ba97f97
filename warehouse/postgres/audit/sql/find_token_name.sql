SELECT name
FROM tokens
WHERE token_id = %(token_id)s
