-- Nothing, where somebody has this name, or the same user has come by another request.
INSERT INTO users (name, role, issuer, subject)
VALUES (%(name)s, %(role)s, %(issuer)s, %(subject)s)
ON CONFLICT DO NOTHING
RETURNING user_id, name, role, password_hash, disabled_at
