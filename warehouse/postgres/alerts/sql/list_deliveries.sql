SELECT
    delivery_id,
    channel,
    idempotency_key,
    message ->> 'kind' AS kind,
    message ->> 'subject' AS subject,
    created_at,
    state,
    attempts,
    CASE WHEN state = 'waiting' THEN next_attempt_at END AS next_attempt_at,
    ended_at,
    said
FROM alert_deliveries
WHERE %(state)s::text IS NULL OR state = %(state)s
ORDER BY delivery_id DESC
LIMIT %(most)s
