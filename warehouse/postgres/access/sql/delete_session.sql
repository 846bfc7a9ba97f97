DELETE FROM user_sessions
WHERE session_sha256 = %(digest)s
