SELECT name, role, created_at, signed_in_at, disabled_at, issuer
FROM users
ORDER BY lower(name COLLATE "C")
