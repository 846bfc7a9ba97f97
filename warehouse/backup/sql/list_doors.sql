-- Who gets in: tokens and users that came after an instant, and all of them.
SELECT
    (
        SELECT count(*) FROM tokens
        WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
    ) AS tokens,
    (SELECT count(*) FROM users WHERE disabled_at IS NULL) AS users,
    array(
        SELECT token_id || ' (' || name || ')' FROM tokens
        WHERE created_at > %(after)s AND revoked_at IS NULL
        ORDER BY token_id
    ) AS newer_tokens,
    array(SELECT name FROM users WHERE created_at > %(after)s AND disabled_at IS NULL ORDER BY name) AS newer_users
