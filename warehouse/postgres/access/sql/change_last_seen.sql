UPDATE user_sessions
SET last_seen_at = clock_timestamp()
WHERE session_sha256 = %(digest)s
