INSERT INTO alert_deliveries (channel, idempotency_key, message, created_at, gives_up_at, next_attempt_at)
VALUES (%(channel)s, %(key)s, %(message)s, %(now)s, %(gives_up_at)s, %(now)s)
ON CONFLICT (channel, idempotency_key) DO NOTHING
