-- What there is to do: the newest event that nobody has looked at, what is due since when, a digest. Whoever does it moves each
-- of these on.
SELECT
    (SELECT max(event_id) FROM untold_events) AS untold,
    (
        SELECT max(next_attempt_at)
        FROM alert_deliveries
        WHERE state = 'waiting' AND (next_attempt_at <= %(now)s OR next_attempt_at > %(latest)s)
    ) AS due_since,
    (
        EXISTS (SELECT 1 FROM alert_events WHERE outcome = 'to_digest')
        AND NOT EXISTS (SELECT 1 FROM alert_deliveries WHERE idempotency_key = %(digest_key)s)
    ) AS is_digest_missing
