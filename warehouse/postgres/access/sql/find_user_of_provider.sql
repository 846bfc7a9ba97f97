SELECT user_id, name, role, password_hash, disabled_at
FROM users
WHERE issuer = %(issuer)s AND subject = %(subject)s
FOR UPDATE
