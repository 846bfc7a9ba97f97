-- The next one that is due, for whoever takes it: nobody else does before the lease is over. What was tried less goes first: a
-- message that a channel never takes would else, with the pause that follows it, keep all the others from getting there.
UPDATE alert_deliveries SET
    attempts = attempts + 1,
    next_attempt_at = %(lease_ends_at)s
WHERE delivery_id = (
    SELECT delivery_id
    FROM alert_deliveries
    WHERE state = 'waiting' AND (next_attempt_at <= %(now)s OR next_attempt_at > %(latest)s)
    ORDER BY attempts, next_attempt_at, delivery_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING delivery_id, channel, idempotency_key, message, gives_up_at, attempts
