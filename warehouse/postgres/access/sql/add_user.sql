INSERT INTO users (name, role, password_hash)
VALUES (%(name)s, %(role)s, %(password_hash)s)
ON CONFLICT DO NOTHING
RETURNING user_id
