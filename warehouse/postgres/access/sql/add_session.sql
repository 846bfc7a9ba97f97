-- Nothing, where the user was disabled or has another password since it was looked at: the row is locked until the commit.
WITH signed_in AS (
    UPDATE users
    SET signed_in_at = clock_timestamp()
    WHERE user_id = %(user_id)s AND password_hash IS NOT DISTINCT FROM %(password_hash)s AND disabled_at IS NULL
    RETURNING user_id
)

INSERT INTO user_sessions (session_sha256, user_id, expires_at)
SELECT %(digest)s, user_id, clock_timestamp() + %(lasts)s
FROM signed_in
RETURNING user_id
