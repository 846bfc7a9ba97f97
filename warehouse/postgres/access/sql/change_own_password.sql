-- Nothing, where the user was disabled or has another password since it was looked at.
UPDATE users
SET password_hash = %(becomes)s
WHERE user_id = %(user_id)s AND password_hash = %(password_hash)s AND disabled_at IS NULL
RETURNING user_id
