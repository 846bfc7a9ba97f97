SELECT
    users.name,
    users.role,
    user_sessions.last_seen_at < clock_timestamp() - interval '1 minute' AS is_to_be_noted
FROM user_sessions
INNER JOIN users USING (user_id)
WHERE
    user_sessions.session_sha256 = %(digest)s
    AND users.disabled_at IS NULL
    AND user_sessions.expires_at > clock_timestamp()
    AND user_sessions.last_seen_at > clock_timestamp() - %(idle)s
