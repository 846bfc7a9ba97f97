SELECT
    user_id,
    name,
    password_hash
FROM users
WHERE lower(name COLLATE "C") = lower(%(name)s COLLATE "C") AND disabled_at IS NULL
