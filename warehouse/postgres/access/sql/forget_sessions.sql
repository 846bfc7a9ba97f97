-- What is over, and of this user all but the newest.
DELETE FROM user_sessions
WHERE
    expires_at <= clock_timestamp()
    OR last_seen_at <= clock_timestamp() - %(idle)s
    OR session_sha256 IN (
        SELECT session_sha256
        FROM user_sessions
        WHERE user_id = %(user_id)s
        ORDER BY created_at DESC
        OFFSET %(most)s
    )
