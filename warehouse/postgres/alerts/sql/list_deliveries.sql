SELECT
    delivery.delivery_id,
    delivery.channel,
    delivery.idempotency_key,
    delivery.message ->> 'kind' AS kind,
    delivery.message ->> 'subject' AS subject,
    delivery.created_at,
    delivery.state,
    delivery.attempts,
    CASE WHEN delivery.state = 'waiting' THEN delivery.next_attempt_at END AS next_attempt_at,
    delivery.ended_at,
    delivery.said,
    (
        SELECT
            coalesce(
                jsonb_agg(
                    jsonb_build_object('ended_at', attempt.ended_at, 'said', attempt.said) ORDER BY attempt.attempt
                ),
                '[]'
            )
        FROM alert_attempts AS attempt
        WHERE attempt.delivery_id = delivery.delivery_id
    ) AS log
FROM alert_deliveries AS delivery
WHERE %(state)s::text IS NULL OR delivery.state = %(state)s
ORDER BY delivery.delivery_id DESC
LIMIT %(most)s
