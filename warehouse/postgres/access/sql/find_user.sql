SELECT name, role, created_at, signed_in_at, disabled_at, issuer
FROM users
WHERE lower(name COLLATE "C") = lower(%(name)s COLLATE "C")
FOR UPDATE
