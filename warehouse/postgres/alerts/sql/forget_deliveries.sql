DELETE FROM alert_deliveries WHERE state <> 'waiting' AND ended_at < %(before)s
