-- Whoever else notes the same hour just now does it for us.
WITH used AS (
    SELECT token_id
    FROM tokens
    WHERE
        token_id = any(%(token_ids)s::text[])
        AND (last_used_at IS NULL OR last_used_at < to_timestamp(%(hour_s)s))
    FOR UPDATE SKIP LOCKED
)

UPDATE tokens
SET last_used_at = to_timestamp(%(hour_s)s)
FROM used
WHERE tokens.token_id = used.token_id
