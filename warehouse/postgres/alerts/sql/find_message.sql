SELECT exists(SELECT 1 FROM alert_deliveries WHERE idempotency_key = %(key)s)
